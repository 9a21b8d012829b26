package main

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwe"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

const (
	issuer   = "accounts" // these two unless whoever runs the service configured others
	audience = "accounts"
	leeway   = 5 * time.Second
)

// seal returns a secret as it travels: it opens for this message alone.
// Seal once: what is sent again under the same id must be the same, byte for byte.
func seal(
	ctx context.Context, secret, sidecar, purpose string, message map[string]any, thumbprint string,
) (string, error) {
	key, err := sealingKey(ctx, sidecar)
	if err != nil {
		return "", err
	}
	kid, _ := key.KeyID()
	header := jwe.NewHeaders()
	fields := map[string]any{
		"kid":     kid,
		"cid":     idOf(message),
		"sub":     message["username"],
		"purpose": purpose,
		"iat":     time.Now().Unix(),
	}
	if thumbprint != "" {
		fields["rkt"] = thumbprint
	}
	for name, value := range fields {
		if err := header.Set(name, value); err != nil {
			return "", err
		}
	}
	sealed, err := jwe.Encrypt(
		[]byte(secret),
		jwe.WithKey(jwa.ECDH_ES(), key),
		jwe.WithContentEncryption(jwa.A256GCM()),
		jwe.WithProtectedHeaders(header),
	)
	return string(sealed), err
}

// sealingKey reads it over HTTPS, where the sidecar is not on this machine.
func sealingKey(ctx context.Context, sidecar string) (jwk.Key, error) {
	keys, err := jwk.Fetch(ctx, sidecar+"/.well-known/sealing-keys.json")
	if err != nil {
		return nil, err
	}
	for i := range keys.Len() {
		key, _ := keys.Key(i)
		var curve jwa.EllipticCurveAlgorithm
		if key.Get("crv", &curve) != nil || curve != jwa.X25519() {
			continue
		}
		use, _ := key.KeyUsage()
		algorithm, _ := key.Algorithm()
		if use == "enc" && algorithm != nil && algorithm.String() == "ECDH-ES" {
			return key, nil
		}
	}
	return nil, errors.New("the key set has no key to seal to")
}

// replyKey is the pair that the tokens of one request come back sealed to.
type replyKey struct {
	private    *ecdh.PrivateKey
	public     map[string]string
	thumbprint string // RFC 7638
}

func makeReplyKey() (replyKey, error) {
	private, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return replyKey{}, err
	}
	key, err := jwk.Import(private.PublicKey())
	if err != nil {
		return replyKey{}, err
	}
	thumbprint, err := key.Thumbprint(crypto.SHA256)
	encode := base64.RawURLEncoding.EncodeToString
	return replyKey{
		private:    private,
		public:     map[string]string{"kty": "OKP", "crv": "X25519", "x": encode(private.PublicKey().Bytes())},
		thumbprint: encode(thumbprint),
	}, err
}

type tokens struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	DeviceToken  string `json:"device_token"`
}

// open returns the tokens, if they were sealed for this request.
func (k replyKey) open(sealed string, request map[string]any) (found tokens, err error) {
	message := jwe.NewMessage()
	plain, err := jwe.Decrypt([]byte(sealed), jwe.WithKey(jwa.ECDH_ES(), k.private), jwe.WithMessage(message))
	if err != nil {
		return found, err
	}
	for name, wanted := range map[string]any{
		"cid": idOf(request), "sub": request["username"], "purpose": "login.sealed_tokens",
	} {
		var said string
		if err := message.ProtectedHeaders().Get(name, &said); err != nil || said != wanted {
			return found, fmt.Errorf("the tokens are an answer to another request: %s", name)
		}
	}
	return found, json.Unmarshal(plain, &found)
}

// verify returns an access token that is good now.
// Whoever lets users in by it also refuses the sid's on accounts.state.revocations.
func verify(ctx context.Context, accessToken, sidecar, username string) (jwt.Token, error) {
	keys, err := jwk.Fetch(ctx, sidecar+"/.well-known/jwks.json")
	if err != nil {
		return nil, err
	}
	signed, err := jws.Parse([]byte(accessToken), jws.WithCompact())
	if err != nil {
		return nil, err
	}
	// No other algorithm, whatever it says; the keys say the same, and jwx goes by them.
	header := signed.Signatures()[0].ProtectedHeaders()
	algorithm, _ := header.Algorithm()
	if kind, _ := header.Type(); kind != "at+jwt" || algorithm != jwa.ES256() {
		return nil, errors.New("this is no access token")
	}
	return jwt.Parse(
		[]byte(accessToken),
		jwt.WithKeySet(keys),
		jwt.WithIssuer(issuer),
		jwt.WithAudience(audience),
		jwt.WithSubject(username),
		jwt.WithRequiredClaim("exp"),
		jwt.WithAcceptableSkew(leeway),
	)
}
