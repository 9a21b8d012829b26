// Sends with kafka-clients alone, and reads all answers on a topic of ours.
package shop;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

final class KafkaAccounts implements Accounts {
  private final String topics;
  private final String replyTo;
  private final KafkaProducer<String, String> producer;
  private final KafkaConsumer<String, String> answers;

  KafkaAccounts(String bootstrap, String topics, String caller) throws Exception {
    this.topics = topics;
    this.replyTo = topics + "replies." + caller;
    createTopic(bootstrap, replyTo);
    Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "client.id", caller);
    // By default it places keys by murmur2 and waits for all in-sync replicas.
    producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    answers = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    // Without a group: all partitions, from where they end now.
    List<TopicPartition> all = partitions(answers, replyTo);
    answers.assign(all);
    answers.seekToEnd(all);
    all.forEach(answers::position); // looked up now, not with the first poll
  }

  @Override
  public JsonNode askOnce(String topic, String username, String value, String id) throws Exception {
    // The key always: one user's commands are decided in order.
    var record = new ProducerRecord<>(topics + topic, username, value);
    record.headers().add("reply_to", replyTo.getBytes(StandardCharsets.UTF_8));
    RecordMetadata sent = producer.send(record).get();
    System.out.println("sent to " + topic + ", partition " + sent.partition());
    long until = System.nanoTime() + TRY.toNanos();
    while (System.nanoTime() < until) {
      for (ConsumerRecord<String, String> each : answers.poll(TRY.dividedBy(10))) {
        Optional<JsonNode> answer = read(each.value(), id);
        if (answer.isPresent()) {
          return answer.get();
        }
      }
    }
    return null;
  }

  /** Others may use this topic too, and an answer may come twice. */
  private static Optional<JsonNode> read(String value, String id) throws Exception {
    if (value == null) {
      return Optional.empty();
    }
    return Optional.of(JSON.readTree(value))
        .filter(answer -> Accounts.idOf(answer).equals(id) && Accounts.isAnswer(answer));
  }

  @Override
  public void close() {
    producer.close();
    answers.close();
  }

  /** Makes the topic for our answers, unless it is there. In production an operator does. */
  static void createTopic(String bootstrap, String topic) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap))) {
      var wanted = new NewTopic(topic, Optional.of(1), Optional.empty());
      admin.createTopics(List.of(wanted)).all().get();
    } catch (ExecutionException failed) {
      if (!(failed.getCause() instanceof TopicExistsException)) {
        throw failed;
      }
    }
  }

  static List<TopicPartition> partitions(KafkaConsumer<?, ?> consumer, String topic) {
    return consumer.partitionsFor(topic).stream()
        .map(each -> new TopicPartition(topic, each.partition()))
        .toList();
  }
}
