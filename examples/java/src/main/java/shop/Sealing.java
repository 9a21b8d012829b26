// Seals passwords to the service's key, opens the tokens that come back, and checks them.
package shop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.EncryptionMethod;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWEAlgorithm;
import com.nimbusds.jose.JWEHeader;
import com.nimbusds.jose.JWEObject;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.X25519Decrypter;
import com.nimbusds.jose.crypto.X25519Encrypter;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.gen.OctetKeyPairGenerator;
import com.nimbusds.jose.jwk.source.ImmutableJWKSet;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.URI;
import java.time.Instant;
import java.util.Set;

final class Sealing {
  /** Unless whoever runs the service configured others. */
  private static final String ISSUER = "accounts";

  private static final String AUDIENCE = "accounts";
  private static final int LEEWAY_S = 5;
  private static final int HTTP_MS = 10_000;
  private static final int BYTES_MAX = 100_000;

  private final String sidecar;

  /** Over HTTPS, where the sidecar is not on this machine. */
  Sealing(String sidecar) {
    this.sidecar = sidecar;
  }

  /** Makes the key pair that the tokens of one request come back sealed to. */
  static OctetKeyPair makeReplyKey() throws Exception {
    return new OctetKeyPairGenerator(Curve.X25519).generate();
  }

  /**
   * Returns a secret as it travels: it opens for this message alone.
   *
   * <p>Seal once: what is sent again under the same id must be the same, byte for byte.
   */
  String seal(String secret, String purpose, ObjectNode message, OctetKeyPair replyKey)
      throws Exception {
    OctetKeyPair key = sealingKey();
    var header =
        new JWEHeader.Builder(JWEAlgorithm.ECDH_ES, EncryptionMethod.A256GCM)
            .keyID(key.getKeyID())
            .subject(message.get("username").asText()) // Nimbus has a method for this one
            .customParam("cid", Accounts.idOf(message))
            .customParam("purpose", purpose)
            .customParam("iat", Instant.now().getEpochSecond());
    if (replyKey != null) {
      header.customParam("rkt", replyKey.computeThumbprint().toString()); // RFC 7638
    }
    var sealed = new JWEObject(header.build(), new Payload(secret));
    sealed.encrypt(new X25519Encrypter(key));
    return sealed.serialize();
  }

  /** Returns the tokens, if they were sealed for this request. */
  JsonNode openTokens(String sealed, OctetKeyPair replyKey, ObjectNode request) throws Exception {
    JWEObject tokens = JWEObject.parse(sealed);
    tokens.decrypt(new X25519Decrypter(replyKey));
    JWEHeader header = tokens.getHeader();
    if (!Accounts.idOf(request).equals(header.getCustomParam("cid"))
        || !request.get("username").asText().equals(header.getSubject())
        || !"login.sealed_tokens".equals(header.getCustomParam("purpose"))) {
      throw new SecurityException("the tokens are an answer to another request: use nothing");
    }
    return Accounts.JSON.readTree(tokens.getPayload().toBytes());
  }

  /**
   * Returns the claims of an access token that is good now.
   *
   * <p>Whoever lets users in by it also refuses the `sid`s on `accounts.state.revocations`.
   */
  JWTClaimsSet verify(String accessToken, String username) throws Exception {
    var processor = new DefaultJWTProcessor<SecurityContext>();
    processor.setJWSTypeVerifier(
        new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
    processor.setJWSKeySelector( // no other algorithm, whatever the token says
        new JWSVerificationKeySelector<>(
            JWSAlgorithm.ES256, new ImmutableJWKSet<>(published("jwks.json"))));
    var required = new JWTClaimsSet.Builder().issuer(ISSUER).subject(username).build();
    var claims = new DefaultJWTClaimsVerifier<>(AUDIENCE, required, Set.of("exp", "iat"));
    claims.setMaxClockSkew(LEEWAY_S);
    processor.setJWTClaimsSetVerifier(claims);
    return processor.process(accessToken, null);
  }

  private OctetKeyPair sealingKey() throws Exception {
    for (JWK key : published("sealing-keys.json").getKeys()) {
      if (key instanceof OctetKeyPair pair
          && pair.getCurve().equals(Curve.X25519)
          && KeyUse.ENCRYPTION.equals(pair.getKeyUse())
          && JWEAlgorithm.ECDH_ES.equals(pair.getAlgorithm())) {
        return pair;
      }
    }
    throw new SecurityException("the key set has no key to seal to");
  }

  private JWKSet published(String name) throws Exception {
    var url = URI.create(sidecar + "/.well-known/" + name).toURL();
    return JWKSet.load(url, HTTP_MS, HTTP_MS, BYTES_MAX);
  }
}
