#!/usr/bin/env bash
# Grants each role in Kafka what it needs and nothing else; the table is in docs/access.md.
#
#   deploy/kafka-acls.sh --bootstrap-server broker:9092 --command-config admin.properties
#
# Nobody is granted a transactional id, so nobody can begin a transaction: one that stays open keeps back
# every command behind it in its partition. Where a sender needs one, grant it
# (`--transactional-id … --operation Write,Describe`) and bound the time on the brokers, where alone that can
# be done: transaction.max.timeout.ms=60000 or less.
#
# All arguments go to Kafka's own kafka-acls.sh, which must be on the PATH. Change the variables
# where your names differ; with PREFIX another than "accounts." the topics are named otherwise too.
set -euo pipefail

PREFIX=${PREFIX:-accounts.}
LEDGER=${LEDGER:-User:accounts-ledger}
IDENTITY=${IDENTITY:-User:accounts-identity}
QUERY=${QUERY:-User:accounts-query}
HOUSEKEEPER=${HOUSEKEEPER:-User:accounts-housekeeper}
SENDER=${SENDER:-User:accounts-sender}
GATEWAY=${GATEWAY:-User:accounts-gateway}
SUBSCRIBER=${SUBSCRIBER:-User:accounts-subscriber}
OPERATOR=${OPERATOR:-User:accounts-operator}
REPAIRER=${REPAIRER:-User:accounts-repairer}
LEDGER_GROUP=${LEDGER_GROUP:-accounts-ledger}
IDENTITY_GROUP=${IDENTITY_GROUP:-accounts-identity}
SIGNIN_GROUP=${SIGNIN_GROUP:-accounts-sign-ins}
SESSIONS_GROUP=${SESSIONS_GROUP:-accounts-sessions}
QUERY_GROUP=${QUERY_GROUP:-accounts-queries}
# Whose replies a principal may read: topics of its own, because replies hold profiles.
SENDER_REPLIES=${SENDER_REPLIES:-${PREFIX}replies.sender}
GATEWAY_REPLIES=${GATEWAY_REPLIES:-${PREFIX}replies.gateway}

arguments=("$@")

# grant <principal> <operations, by commas> <resource and its options...>
grant() {
  local principal=$1 operations=() operation
  for operation in ${2//,/ }; do operations+=(--operation "$operation"); done
  shift 2
  kafka-acls.sh "${arguments[@]}" --add --allow-principal "$principal" "${operations[@]}" "$@"
}

topics=(--resource-pattern-type prefixed --topic "$PREFIX")
commands=(--resource-pattern-type prefixed --topic "${PREFIX}commands.")
requests=(--resource-pattern-type prefixed --topic "${PREFIX}requests.")
replies=(--resource-pattern-type prefixed --topic "${PREFIX}replies.")

# Every worker looks at all topics before it starts.
for worker in "$LEDGER" "$IDENTITY" "$QUERY" "$HOUSEKEEPER"; do
  grant "$worker" Describe,DescribeConfigs "${topics[@]}"
done

grant "$LEDGER" Read "${commands[@]}"
grant "$LEDGER" Read --group "$LEDGER_GROUP"
for topic in results events.balance events.audit state.balances internal.credentials dead-letters; do
  grant "$LEDGER" Write --topic "$PREFIX$topic"
done
grant "$LEDGER" Write "${replies[@]}"

for topic in internal.credentials requests.login requests.refresh requests.logout requests.change-password; do
  grant "$IDENTITY" Read --topic "$PREFIX$topic"
done
for group in "$IDENTITY_GROUP" "$SIGNIN_GROUP" "$SESSIONS_GROUP"; do
  grant "$IDENTITY" Read --group "$group"
done
for topic in results events.audit state.revocations dead-letters; do
  grant "$IDENTITY" Write --topic "$PREFIX$topic"
done
grant "$IDENTITY" Write "${replies[@]}"

for topic in requests.get-profile requests.get-balance requests.get-outcome requests.list-transactions; do
  grant "$QUERY" Read --topic "$PREFIX$topic"
done
grant "$QUERY" Read --group "$QUERY_GROUP"
for topic in results dead-letters; do
  grant "$QUERY" Write --topic "$PREFIX$topic"
done
grant "$QUERY" Write "${replies[@]}"

for topic in events.balance state.balances; do
  grant "$HOUSEKEEPER" Write --topic "$PREFIX$topic"
done

# A sender moves money and looks at balances. Our client reads answers without a consumer group; kafkajs and
# Spring need one, in each process another.
grant "$SENDER" Write,Describe "${commands[@]}"
for topic in requests.get-balance requests.get-outcome requests.list-transactions; do
  grant "$SENDER" Write,Describe --topic "$PREFIX$topic"
done
grant "$SENDER" Read,Describe --topic "${PREFIX}results"
grant "$SENDER" Read,Describe --resource-pattern-type prefixed --topic "$SENDER_REPLIES"
grant "$SENDER" Read --resource-pattern-type prefixed --group "${SENDER#User:}"

# A gateway does what users may do, and signs them in and out.
grant "$GATEWAY" Write,Describe "${commands[@]}"
grant "$GATEWAY" Write,Describe "${requests[@]}"
grant "$GATEWAY" Read,Describe --resource-pattern-type prefixed --topic "$GATEWAY_REPLIES"
grant "$GATEWAY" Read,Describe --topic "${PREFIX}state.revocations"
grant "$GATEWAY" Read --resource-pattern-type prefixed --group "${GATEWAY#User:}"

for topic in events.balance events.audit state.balances; do
  grant "$SUBSCRIBER" Read,Describe --topic "$PREFIX$topic"
done
grant "$SUBSCRIBER" Read --resource-pattern-type prefixed --group "${SUBSCRIBER#User:}"

# `accounts topics apply` and `accounts watch`, dead letters included.
grant "$OPERATOR" Create,Describe,DescribeConfigs,Alter,AlterConfigs,Read "${topics[@]}"

# `accounts repair`, `accounts offsets` and `accounts dead-letters`: for whoever mends something.
grant "$REPAIRER" Describe,Read "${topics[@]}"
for group in "$LEDGER_GROUP" "$IDENTITY_GROUP" "$SIGNIN_GROUP" "$SESSIONS_GROUP" "$QUERY_GROUP"; do
  grant "$REPAIRER" Describe,Read --group "$group"
done
grant "$REPAIRER" Write "${commands[@]}"
grant "$REPAIRER" Write "${requests[@]}"
for topic in internal.credentials events.balance events.audit state.balances dead-letters; do
  grant "$REPAIRER" Write --topic "$PREFIX$topic"
done
