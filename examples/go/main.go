// A shop in Go on franz-go: registers its users, moves their money, signs them in.
//
//	go run . 127.0.0.1:9092 http://127.0.0.1:8080 dora
//
// The second address is the sidecar's; any number of users.
// ACCOUNTS_TOPIC_PREFIX names other topics than `accounts.`.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"time"
)

const (
	caller = "shop-go"
	runMax = 5 * time.Minute
)

func main() {
	topics := cmp.Or(os.Getenv("ACCOUNTS_TOPIC_PREFIX"), "accounts.")
	ctx, cancel := context.WithTimeout(context.Background(), runMax)
	defer cancel()
	if err := run(ctx, os.Args[1], os.Args[2], topics, os.Args[3:]); err != nil {
		log.Fatal(err)
	}
}

// run has every user visit, then reads all balances up to the last one's.
func run(ctx context.Context, bootstrap, sidecar, topics string, usernames []string) error {
	accounts, err := connect(ctx, bootstrap, topics)
	if err != nil {
		return err
	}
	defer accounts.close()
	var sequence int64
	for _, username := range usernames {
		if sequence, err = visit(ctx, accounts, sidecar, username); err != nil {
			return err
		}
	}
	return follow(ctx, bootstrap, topics, usernames[len(usernames)-1], sequence)
}

// visit does everything once, and returns the sequence of the deposit's entry.
func visit(ctx context.Context, accounts *accounts, sidecar, username string) (int64, error) {
	password := rand.Text()
	if err := register(ctx, accounts, sidecar, username, password); err != nil {
		return 0, err
	}
	// Store it before it is sent, to send it again after a crash.
	deposit := movement(username, "100.00")
	first, err := accounts.ask(ctx, "commands.deposit", deposit)
	if err != nil {
		return 0, err
	}
	fmt.Println("deposit:", first.said())
	// As after a crash: it has its effect once.
	again, err := accounts.ask(ctx, "commands.deposit", deposit)
	if err != nil {
		return 0, err
	}
	same := "another entry"
	if first.Entry != nil && again.Entry != nil && first.Entry.EventID == again.Entry.EventID {
		same = "the same entry"
	}
	fmt.Println("the same deposit:", same)
	withdrawn, err := accounts.ask(ctx, "commands.withdraw", movement(username, "500.00"))
	if err != nil {
		return 0, err
	}
	fmt.Println("withdrawal:", withdrawn.said())
	if err := signIn(ctx, accounts, sidecar, username, password); err != nil || again.Entry == nil {
		return 0, err
	}
	return again.Entry.Sequence, nil
}

// register opens an account that its user can sign in to.
func register(ctx context.Context, accounts *accounts, sidecar, username, password string) error {
	command := map[string]any{
		"command_id": newID(),
		"username":   username,
		"email":      newID() + "@example.com",
		"first_name": "Dora",
		"last_name":  "Example",
	}
	sealed, err := seal(ctx, password, sidecar, "register.sealed_password", command, "")
	if err != nil {
		return err
	}
	command["sealed_password"] = sealed
	answer, err := accounts.ask(ctx, "commands.register", command)
	if err != nil {
		return err
	}
	fmt.Println("register:", answer.said())
	return nil
}

// signIn lets the user in by an access token that is checked.
func signIn(ctx context.Context, accounts *accounts, sidecar, username, password string) error {
	reply, err := makeReplyKey() // for this one request
	if err != nil {
		return err
	}
	request := map[string]any{
		"request_id": newID(),
		"username":   username,
		"reply_key":  reply.public,
		"source":     "198.51.100.7", // where the user is
	}
	sealed, err := seal(ctx, password, sidecar, "login.sealed_password", request, reply.thumbprint)
	if err != nil {
		return err
	}
	request["sealed_password"] = sealed
	answer, err := accounts.ask(ctx, "requests.login", request)
	if err != nil {
		return err
	}
	if answer.Error != nil {
		fmt.Println("not signed in:", answer.said())
		return nil
	}
	tokens, err := reply.open(answer.SealedTokens, request)
	if err != nil {
		fmt.Println("not signed in:", err)
		return nil
	}
	token, err := verify(ctx, tokens.AccessToken, sidecar, username)
	if err != nil {
		fmt.Println("not signed in:", err)
		return nil
	}
	issued, _ := token.IssuedAt()
	expires, _ := token.Expiration()
	fmt.Printf("signed in: %s, for %.0f s\n", username, expires.Sub(issued).Seconds())
	return nil
}

// movement is a deposit or a withdrawal.
func movement(username, amount string) map[string]any {
	return map[string]any{
		"command_id": newID(), "username": username, "amount": amount, "currency": "USD",
	}
}

// newID has our own prefix: all senders share one space of ids per user.
func newID() string { return caller + "-" + rand.Text() }
