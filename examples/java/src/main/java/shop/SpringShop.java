// The same shop on spring-kafka: run it as Shop.java says.
package shop;

import java.util.List;

public final class SpringShop {
  public static void main(String[] arguments) throws Exception {
    try (var accounts = new SpringAccounts(arguments[0], Shop.TOPICS, "shop-spring")) {
      var shop = new Shop("shop-spring", accounts, arguments[1]);
      shop.run(arguments[0], List.of(arguments).subList(2, arguments.length));
    }
  }
}
