"""What a process makes its clients with: aiokafka's classes before one cluster in memory."""

from functools import partial

from tests.simulation.kafka.admin import SimulatedAdminClient
from tests.simulation.kafka.cluster import SimulatedKafka
from tests.simulation.kafka.consumer import SimulatedKafkaConsumer
from tests.simulation.kafka.producer import SimulatedProducer
from workers.kafka.clients import KafkaClients


def simulated_clients(kafka: SimulatedKafka) -> KafkaClients:
    """Return what goes where `workers.kafka.clients.AIOKAFKA` stands in a real process."""
    return KafkaClients(
        producer=partial(SimulatedProducer, kafka=kafka),
        consumer=partial(SimulatedKafkaConsumer, kafka=kafka),
        admin=partial(SimulatedAdminClient, kafka=kafka),
    )
