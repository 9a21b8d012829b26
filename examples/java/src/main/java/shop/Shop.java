// A shop in Java on kafka-clients: registers its users, moves their money, signs them in.
//
//     mvn -q compile exec:java -Dexec.args="127.0.0.1:9092 http://127.0.0.1:8080 dora"
//
// The second address is the sidecar's; any number of users. On spring-kafka, with
// -Dexec.mainClass=shop.SpringShop. ACCOUNTS_TOPIC_PREFIX names other topics than `accounts.`.
package shop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jwt.JWTClaimsSet;
import java.security.SecureRandom;
import java.text.ParseException;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.UUID;

public final class Shop {
  static final String TOPICS =
      System.getenv().getOrDefault("ACCOUNTS_TOPIC_PREFIX", "accounts.");

  private final String caller;
  private final Accounts accounts;
  private final Sealing sealing;

  Shop(String caller, Accounts accounts, String sidecar) {
    this.caller = caller;
    this.accounts = accounts;
    this.sealing = new Sealing(sidecar);
  }

  public static void main(String[] arguments) throws Exception {
    try (var accounts = new KafkaAccounts(arguments[0], TOPICS, "shop-java")) {
      var shop = new Shop("shop-java", accounts, arguments[1]);
      shop.run(arguments[0], List.of(arguments).subList(2, arguments.length));
    }
  }

  /** Has every user visit, then reads all balances up to the last one's. */
  void run(String bootstrap, List<String> usernames) throws Exception {
    String last = null;
    long sequence = 0;
    for (String username : usernames) {
      sequence = visit(username);
      last = username;
    }
    new Balances(TOPICS).follow(bootstrap, last, sequence);
  }

  /** Does everything once, and returns the sequence of the deposit's entry. */
  private long visit(String username) throws Exception {
    String password = aPassword();
    register(username, password);
    ObjectNode deposit = move(username, "100.00");
    JsonNode first = accounts.ask("commands.deposit", deposit);
    System.out.println("deposit: " + said(first));
    // As after a crash: it has its effect once.
    JsonNode again = accounts.ask("commands.deposit", deposit);
    boolean same = first.path("entry").equals(again.path("entry"));
    System.out.println("the same deposit: " + (same ? "the same entry" : "another entry"));
    JsonNode withdrawn = accounts.ask("commands.withdraw", move(username, "500.00"));
    System.out.println("withdrawal: " + said(withdrawn));
    signIn(username, password);
    return again.path("entry").path("sequence").asLong();
  }

  /** Opens an account that its user can sign in to. */
  private void register(String username, String password) throws Exception {
    ObjectNode command = Accounts.JSON.createObjectNode();
    command.put("command_id", newId()).put("username", username);
    command.put("email", newId() + "@example.com");
    command.put("first_name", "Dora").put("last_name", "Example");
    command.put(
        "sealed_password", sealing.seal(password, "register.sealed_password", command, null));
    System.out.println("register: " + said(accounts.ask("commands.register", command)));
  }

  /** Lets the user in by an access token that is checked. */
  private void signIn(String username, String password) throws Exception {
    OctetKeyPair replyKey = Sealing.makeReplyKey(); // for this one request
    ObjectNode request = Accounts.JSON.createObjectNode();
    request.put("request_id", newId()).put("username", username);
    request.putObject("reply_key")
        .put("kty", "OKP").put("crv", "X25519").put("x", replyKey.getX().toString());
    request.put("source", "198.51.100.7"); // where the user is
    request.put(
        "sealed_password", sealing.seal(password, "login.sealed_password", request, replyKey));
    JsonNode answer = accounts.ask("requests.login", request);
    if (answer.has("error")) {
      System.out.println("not signed in: " + said(answer));
      return;
    }
    try {
      JsonNode tokens =
          sealing.openTokens(answer.get("sealed_tokens").asText(), replyKey, request);
      JWTClaimsSet claims = sealing.verify(tokens.get("access_token").asText(), username);
      Duration good =
          Duration.between(
              claims.getIssueTime().toInstant(), claims.getExpirationTime().toInstant());
      System.out.println("signed in: " + claims.getSubject() + ", for " + good.toSeconds() + " s");
    } catch (JOSEException | BadJOSEException | ParseException | SecurityException error) {
      System.out.println("not signed in: " + error.getMessage());
    }
  }

  /** Returns a deposit or a withdrawal. Store it before it is sent, to send it after a crash. */
  private ObjectNode move(String username, String amount) {
    ObjectNode command = Accounts.JSON.createObjectNode();
    command.put("command_id", newId()).put("username", username);
    return command.put("amount", amount).put("currency", "USD");
  }

  /** Returns what an answer means to us. */
  private static String said(JsonNode answer) {
    JsonNode error = answer.path("error");
    JsonNode entry = answer.path("entry");
    if (error.path("code").asText().equals("insufficient_funds")) {
      return "not enough money: " + error.get("detail").asText();
    }
    if (!error.isMissingNode()) {
      // Also what no release of today says: a refusal is final, and nothing was changed.
      return "refused, " + error.get("code").asText() + ": " + error.get("title").asText();
    }
    if (entry.isMissingNode()) {
      return "accepted";
    }
    StringBuilder left = new StringBuilder("accepted, #" + entry.get("sequence").asLong());
    Balances.available(entry)
        .forEach((currency, amount) -> left.append(' ').append(amount).append(' ').append(currency));
    return left.toString();
  }

  /** Returns an id with our own prefix: all senders share one space of ids per user. */
  private String newId() {
    return caller + "-" + UUID.randomUUID();
  }

  private static String aPassword() {
    byte[] random = new byte[24];
    new SecureRandom().nextBytes(random);
    return Base64.getUrlEncoder().encodeToString(random);
  }
}
