// Whatever sends a command or a request, and waits for what became of it.
package shop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;

interface Accounts extends AutoCloseable {
  ObjectMapper JSON = new ObjectMapper();

  /** Before the same is sent again: answers take milliseconds. */
  Duration TRY = Duration.ofSeconds(3);

  int TRIES_MAX = 10;

  /** Returns the answer that comes in time, or null where nobody says yet what became of it. */
  JsonNode askOnce(String topic, String username, String value, String id) throws Exception;

  /** Returns the answer to a message, which is sent again, as it is, while there is none. */
  default JsonNode ask(String topic, ObjectNode message) throws Exception {
    String value = JSON.writeValueAsString(message);
    for (int tried = 0; tried < TRIES_MAX; tried++) {
      JsonNode answer = askOnce(topic, message.get("username").asText(), value, idOf(message));
      if (answer != null) {
        return answer;
      }
      System.out.println("no answer to " + topic + " yet: sending the same again");
    }
    throw new IllegalStateException(topic + ": no answer; ask again later, under the same id");
  }

  @Override
  void close();

  /** A status of a later release, without an error, is no answer yet. */
  static boolean isAnswer(JsonNode answer) {
    return answer.path("status").asText().equals("accepted") || answer.hasNonNull("error");
  }

  static String idOf(JsonNode message) {
    return message.path("command_id").asText(message.path("request_id").asText());
  }
}
