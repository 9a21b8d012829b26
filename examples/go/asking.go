package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	try      = 3 * time.Second // before the same is sent again: answers take milliseconds
	triesMax = 10

	knownMax   = 30 * time.Second       // until every broker knows a new topic: it takes a moment
	knownPause = 100 * time.Millisecond // between two looks
)

// errUnknownOutcome means that nobody said what became of it: it may have been done or not.
var errUnknownOutcome = errors.New("no answer; ask again later, under the same id")

// answer is what we need of a Result or Reply; what else is in one is ignored.
type answer struct {
	CommandID string `json:"command_id"`
	RequestID string `json:"request_id"`
	Status    string
	Entry     *entry
	Error     *struct{ Code, Title, Detail string }

	SealedTokens string `json:"sealed_tokens"`
}

// said tells what an answer means to us.
func (a answer) said() string {
	switch {
	case a.Error == nil && a.Entry == nil:
		return "accepted"
	case a.Error == nil:
		return fmt.Sprintf("accepted, #%d %s", a.Entry.Sequence, strings.Join(a.Entry.available(), " "))
	case a.Error.Code == "insufficient_funds":
		return "not enough money: " + a.Error.Detail
	default:
		// Also what no release of today says: a refusal is final, and nothing was changed.
		return fmt.Sprintf("refused, %s: %s", a.Error.Code, a.Error.Title)
	}
}

// available lists what is left, as it was said: never through a float.
func (e entry) available() (all []string) {
	for currency, balance := range e.Balances {
		all = append(all, balance.Available+" "+currency)
	}
	sort.Strings(all)
	return all
}

// accounts sends, and reads all answers on a topic of ours.
type accounts struct {
	kafka           *kgo.Client
	topics, replyTo string
}

// connect makes the topic for our answers, unless it is there; in production an operator does.
// The answers are read without a group, all partitions from where they end now.
func connect(ctx context.Context, bootstrap, topics string) (*accounts, error) {
	replyTo := topics + "replies." + caller
	// By default it places keys by murmur2 and waits for all in-sync replicas.
	kafka, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.ClientID(caller),
	)
	if err != nil {
		return nil, err
	}
	admin := kadm.NewClient(kafka)
	_, err = admin.CreateTopic(ctx, 1, -1, nil, replyTo)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return nil, err
	}
	ends, err := endsOf(ctx, admin, replyTo)
	if err != nil {
		return nil, err
	}
	kafka.AddConsumePartitions(ends.KOffsets())
	return &accounts{kafka: kafka, topics: topics, replyTo: replyTo}, nil
}

// endsOf returns where a topic ends. One that was just made is not known to every broker at once.
func endsOf(ctx context.Context, admin *kadm.Client, topic string) (kadm.ListedOffsets, error) {
	ctx, cancel := context.WithTimeout(ctx, knownMax)
	defer cancel()
	for {
		ends, err := admin.ListEndOffsets(ctx, topic)
		if err == nil {
			err = ends.Error()
		}
		if !kerr.IsRetriable(err) || ctx.Err() != nil {
			return ends, err
		}
		time.Sleep(knownPause)
	}
}

func (a *accounts) close() { a.kafka.Close() }

// ask returns the answer to message, which is sent again, as it is, while there is none.
func (a *accounts) ask(ctx context.Context, topic string, message map[string]any) (answer, error) {
	value, err := json.Marshal(message)
	if err != nil {
		return answer{}, err
	}
	for range triesMax {
		sent, err := a.kafka.ProduceSync(ctx, &kgo.Record{
			Topic:   a.topics + topic,
			Key:     []byte(message["username"].(string)), // always: one user's commands are decided in order
			Value:   value,
			Headers: []kgo.RecordHeader{{Key: "reply_to", Value: []byte(a.replyTo)}},
		}).First()
		if err != nil {
			return answer{}, fmt.Errorf("%s: Kafka may have it or not: %w", topic, err)
		}
		fmt.Printf("sent to %s, partition %d\n", topic, sent.Partition)
		if found, ok := a.answered(ctx, idOf(message)); ok {
			return found, nil
		}
		fmt.Printf("no answer to %s yet: sending the same again\n", topic)
	}
	return answer{}, fmt.Errorf("%s: %w", topic, errUnknownOutcome)
}

// answered waits for the answer to an id.
func (a *accounts) answered(ctx context.Context, id string) (answer, bool) {
	ctx, cancel := context.WithTimeout(ctx, try)
	defer cancel()
	for ctx.Err() == nil {
		fetched := a.kafka.PollFetches(ctx)
		for _, record := range fetched.Records() {
			var found answer
			if json.Unmarshal(record.Value, &found) != nil {
				continue
			}
			// Others may use this topic too, and an answer may come twice.
			ours := found.CommandID == id || found.RequestID == id
			// A status of a later release, without an error, is no answer yet.
			if ours && (found.Status == "accepted" || found.Error != nil) {
				return found, true
			}
		}
	}
	return answer{}, false
}

func idOf(message map[string]any) string {
	if id, ok := message["command_id"].(string); ok {
		return id
	}
	return message["request_id"].(string)
}
