package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const followedMax = 30 * time.Second

// entry is what we need of one; what else is in it is ignored.
type entry struct {
	EventID   string `json:"event_id"`
	AccountID string `json:"account_id"`
	Username  string
	Sequence  int64
	Kind      string
	Postings  []struct{ Currency, Amount string }
	Balances  map[string]struct{ Available string }
}

// follow prints every change of a balance, from the beginning of the topic up to and with this
// user's with this sequence.
func follow(ctx context.Context, bootstrap, topics, username string, sequence int64) error {
	kafka, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(bootstrap, ",")...),
		kgo.ConsumeTopics(topics+"events.balance"), // without a group: all partitions
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
	)
	if err != nil {
		return err
	}
	defer kafka.Close()
	ctx, cancel := context.WithTimeout(ctx, followedMax)
	defer cancel()
	last := map[string]int64{}
	for ctx.Err() == nil {
		for _, record := range kafka.PollFetches(ctx).Records() {
			var event entry
			// Other types may come, and are not ours. Those of release 0.1 count too.
			kind := header(record, "ce_type")
			if kind != "accounts.balance-changed.v1" && kind != "accounts.balance-changed.v2" {
				continue
			}
			if err := json.Unmarshal(record.Value, &event); err != nil {
				return err
			}
			event.take(last, topics)
			if event.Username == username && event.Sequence >= sequence {
				return nil
			}
		}
	}
	return fmt.Errorf("the event %s #%d did not come", username, sequence)
}

// take prints one event, unless it was said before.
func (e entry) take(last map[string]int64, topics string) {
	seen := last[e.AccountID]
	if e.Sequence <= seen {
		return
	}
	if e.Sequence > seen+1 {
		// Or older than the topic keeps: whoever copies balances begins with these anyway.
		fmt.Printf("%s #%d is missing: read %sstate.balances again\n", e.Username, seen+1, topics)
	}
	last[e.AccountID] = e.Sequence
	// A kind that is not known changed the account all the same.
	for _, available := range e.available() {
		fmt.Printf("%s #%d %s: %s available\n", e.Username, e.Sequence, e.Kind, available)
	}
	if !e.isBalanced() {
		fmt.Printf("%s #%d does not come to zero\n", e.Username, e.Sequence)
	}
}

// isBalanced says whether what one gains another loses, in each currency, exactly.
func (e entry) isBalanced() bool {
	sums := map[string]*big.Rat{}
	for _, posting := range e.Postings {
		amount, ok := new(big.Rat).SetString(posting.Amount)
		if !ok {
			return false
		}
		if sums[posting.Currency] == nil {
			sums[posting.Currency] = new(big.Rat)
		}
		sums[posting.Currency].Add(sums[posting.Currency], amount)
	}
	for _, sum := range sums {
		if sum.Sign() != 0 {
			return false
		}
	}
	return true
}

func header(record *kgo.Record, name string) string {
	for _, each := range record.Headers {
		if each.Key == name {
			return string(each.Value)
		}
	}
	return ""
}
