// Follows the balances of all accounts, from the beginning of the topic.
package shop;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.StringDeserializer;

final class Balances {
  private static final Duration FOLLOWED_MAX = Duration.ofSeconds(30);

  /** Other types may come, and are not ours. Those of release 0.1 count too. */
  private static final Set<String> TYPES =
      Set.of("accounts.balance-changed.v1", "accounts.balance-changed.v2");

  private final String topics;
  private final Map<String, Long> last = new HashMap<>();

  Balances(String topics) {
    this.topics = topics;
  }

  /** Prints every change of a balance, up to and with this user's with this sequence. */
  void follow(String bootstrap, String username, long sequence) throws Exception {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", bootstrap, "isolation.level", "read_committed");
    try (var consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
      List<TopicPartition> all = KafkaAccounts.partitions(consumer, topics + "events.balance");
      consumer.assign(all); // without a group: all partitions
      consumer.seekToBeginning(all);
      long until = System.nanoTime() + FOLLOWED_MAX.toNanos();
      while (System.nanoTime() < until) {
        for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofSeconds(1))) {
          Header type = record.headers().lastHeader("ce_type");
          if (type == null || !TYPES.contains(new String(type.value(), StandardCharsets.UTF_8))) {
            continue;
          }
          JsonNode event = Accounts.JSON.readTree(record.value());
          take(event);
          if (event.get("username").asText().equals(username)
              && event.get("sequence").asLong() >= sequence) {
            return;
          }
        }
      }
    }
    throw new IllegalStateException("the event " + username + " #" + sequence + " did not come");
  }

  private void take(JsonNode event) {
    String username = event.get("username").asText();
    long sequence = event.get("sequence").asLong();
    long seen = last.getOrDefault(event.get("account_id").asText(), 0L);
    if (sequence <= seen) {
      return; // said again
    }
    if (sequence > seen + 1) {
      // Or older than the topic keeps: whoever copies balances begins with these anyway.
      System.out.printf(
          "%s #%d is missing: read %sstate.balances again%n", username, seen + 1, topics);
    }
    last.put(event.get("account_id").asText(), sequence);
    // A kind that is not known changed the account all the same.
    available(event)
        .forEach(
            (currency, amount) ->
                System.out.printf(
                    "%s #%d %s: %s %s available%n",
                    username, sequence, event.get("kind").asText(), amount, currency));
    if (!isBalanced(event)) {
      System.out.printf("%s #%d does not come to zero%n", username, sequence);
    }
  }

  /** Returns what is left in each currency, as it was said: never through a double. */
  static Map<String, String> available(JsonNode entry) {
    Map<String, String> found = new TreeMap<>();
    for (var each : entry.path("balances").properties()) {
      found.put(each.getKey(), each.getValue().get("available").asText());
    }
    return found;
  }

  /** Whether what one gains another loses, in each currency, exactly. */
  private static boolean isBalanced(JsonNode event) {
    Map<String, BigDecimal> sums = new HashMap<>();
    for (JsonNode posting : event.path("postings")) {
      var amount = new BigDecimal(posting.get("amount").asText());
      sums.merge(posting.get("currency").asText(), amount, BigDecimal::add);
    }
    return sums.values().stream().allMatch(sum -> sum.signum() == 0);
  }
}
