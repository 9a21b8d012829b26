"""What each family of Kafka clients does unless told otherwise, and what to tell it."""

from typing import NamedTuple


class ClientFamily(NamedTuple):
    """Clients that share their defaults; read in the sources of the version named."""

    name: str
    places: str
    """How it places a key where nothing is set."""
    to_send: str
    to_read: str


CLIENTS = (
    ClientFamily(
        "Java: `kafka-clients` and Spring (3.0 and later)",
        "murmur2",
        "nothing",
        "`isolation.level=read_committed`, `auto.offset.reset=earliest`",
    ),
    ClientFamily(
        "librdkafka (2): `confluent-kafka` of Python, Go, .NET and JavaScript, kcat",
        "CRC32 (`consistent_random`)",
        "`partitioner=murmur2_random`",
        "`auto.offset.reset=earliest`",
    ),
    ClientFamily(
        "Go: franz-go (1.22)",
        "murmur2",
        "nothing",
        "`kgo.FetchIsolationLevel(kgo.ReadCommitted())`",
    ),
    ClientFamily(
        "Go: kafka-go (0.4)",
        "not by the key: round robin, and a `kafka.Writer` awaits no acknowledgement",
        "`Balancer: kafka.Murmur2Balancer{}`, `RequiredAcks: kafka.RequireAll`",
        "`IsolationLevel: kafka.ReadCommitted`",
    ),
    ClientFamily(
        "Go: sarama (1.50 and later)",
        "FNV-1a, and awaits the leader's acknowledgement alone",
        "`Producer.Partitioner = sarama.NewMurmur2Partitioner`, `Producer.RequiredAcks = sarama.WaitForAll`",
        "`Consumer.IsolationLevel = sarama.ReadCommitted`, `Consumer.Offsets.Initial = sarama.OffsetOldest`",
    ),
    ClientFamily(
        "Node: kafkajs (2)",
        "murmur2; before 2.0 differently, unless `Partitioners.JavaCompatiblePartitioner` is set",
        "nothing",
        "`fromBeginning: true`",
    ),
    ClientFamily(
        "Python: aiokafka (0.14)",
        "murmur2, and awaits the leader's acknowledgement alone",
        '`acks="all"`',
        '`isolation_level="read_committed"`, `auto_offset_reset="earliest"`',
    ),
)
