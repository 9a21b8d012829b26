// Sends with Spring's ReplyingKafkaTemplate and its default headers.
package shop;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.KafkaMessageListenerContainer;
import org.springframework.kafka.requestreply.KafkaReplyTimeoutException;
import org.springframework.kafka.requestreply.ReplyingKafkaTemplate;

final class SpringAccounts implements Accounts {
  private final String topics;
  private final DefaultKafkaProducerFactory<String, String> producers;
  private final ReplyingKafkaTemplate<String, String, String> template;

  SpringAccounts(String bootstrap, String topics, String caller) throws Exception {
    this.topics = topics;
    String replyTo = topics + "replies." + caller;
    KafkaAccounts.createTopic(bootstrap, replyTo);
    Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap);
    producers =
        new DefaultKafkaProducerFactory<>(settings, new StringSerializer(), new StringSerializer());
    var consumers =
        new DefaultKafkaConsumerFactory<>(
            settings, new StringDeserializer(), new StringDeserializer());
    // All of the topic, since `kafka_replyPartition` is not read: a group for each process.
    var listens = new ContainerProperties(replyTo);
    listens.setGroupId(caller + "-" + UUID.randomUUID());
    template =
        new ReplyingKafkaTemplate<>(
            producers, new KafkaMessageListenerContainer<>(consumers, listens));
    template.setSharedReplyTopic(true); // what came to another process is no error of ours
    template.start();
    if (!template.waitForAssignment(TRY.multipliedBy(TRIES_MAX))) {
      throw new IllegalStateException("no partition of " + replyTo + " was assigned");
    }
  }

  @Override
  public JsonNode askOnce(String topic, String username, String value, String id) throws Exception {
    // The template adds `kafka_replyTopic` and `kafka_correlationId`, a new one for each try.
    var record = new ProducerRecord<>(topics + topic, username, value);
    var future = template.sendAndReceive(record, TRY);
    int partition = future.getSendFuture().get().getRecordMetadata().partition();
    System.out.println("sent to " + topic + ", partition " + partition);
    try {
      ConsumerRecord<String, String> reply = future.get();
      JsonNode answer = JSON.readTree(reply.value());
      if (Accounts.isAnswer(answer)) {
        return answer;
      }
      TimeUnit.MILLISECONDS.sleep(TRY.toMillis()); // it waits for something: ask less often
      return null;
    } catch (ExecutionException failed) {
      // The template's own word for it: this means unknown, and not refused.
      if (failed.getCause() instanceof KafkaReplyTimeoutException) {
        return null;
      }
      throw failed;
    }
  }

  @Override
  public void close() {
    template.stop(); // its container too, whose thread would keep the program alive
    template.destroy();
    producers.destroy();
  }
}
