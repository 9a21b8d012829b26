// Reads every message into its generated model and writes it again: RoundTrip MESSAGES, to its output.
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.deser.std.StdDeserializer;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import java.io.File;
import java.io.IOException;
import java.time.LocalDate;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.function.Function;

public class RoundTrip {
  private static final DateTimeFormatter INSTANT = DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSX");

  public static void main(String[] arguments) throws Exception {
    // What jackson-datatype-jsr310 does for those who have it.
    ObjectMapper mapper = new ObjectMapper().registerModule(
        new SimpleModule()
            .addDeserializer(OffsetDateTime.class, reads(OffsetDateTime.class, OffsetDateTime::parse))
            .addDeserializer(LocalDate.class, reads(LocalDate.class, LocalDate::parse))
            .addSerializer(writes(OffsetDateTime.class, INSTANT::format))
            .addSerializer(writes(LocalDate.class, LocalDate::toString)));
    ArrayNode written = mapper.createArrayNode();
    for (JsonNode each : mapper.readTree(new File(arguments[0]))) {
      Class<?> model = Class.forName("accounts_models." + each.get("model").asText());
      Object read = mapper.readValue(each.get("value").toString(), model);
      written.add(mapper.readTree(mapper.writeValueAsString(read)));
    }
    System.out.println(written);
  }

  private static <T> StdDeserializer<T> reads(Class<T> type, Function<String, T> parse) {
    return new StdDeserializer<T>(type) {
      @Override
      public T deserialize(JsonParser parser, DeserializationContext context) throws IOException {
        return parse.apply(parser.getText());
      }
    };
  }

  private static <T> StdSerializer<T> writes(Class<T> type, Function<T, String> format) {
    return new StdSerializer<T>(type) {
      @Override
      public void serialize(T value, JsonGenerator generator, SerializerProvider provider) throws IOException {
        generator.writeString(format.apply(value));
      }
    };
  }
}
