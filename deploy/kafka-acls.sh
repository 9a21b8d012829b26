#!/usr/bin/env bash
# Grants each role in Kafka what it needs and nothing else; the table is in README.md.
#
#   deploy/kafka-acls.sh --bootstrap-server broker:9092 --command-config admin.properties
#
# All arguments go to Kafka's own kafka-acls.sh, which must be on the PATH. Change the variables
# where your names differ; with PREFIX another than "accounts." the topics are named otherwise too.
set -euo pipefail

PREFIX=${PREFIX:-accounts.}
LEDGER=${LEDGER:-User:accounts-ledger}
IDENTITY=${IDENTITY:-User:accounts-identity}
HOUSEKEEPER=${HOUSEKEEPER:-User:accounts-housekeeper}
SENDER=${SENDER:-User:accounts-sender}
SUBSCRIBER=${SUBSCRIBER:-User:accounts-subscriber}
OPERATOR=${OPERATOR:-User:accounts-operator}
LEDGER_GROUP=${LEDGER_GROUP:-accounts-ledger}
IDENTITY_GROUP=${IDENTITY_GROUP:-accounts-identity}

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
replies=(--resource-pattern-type prefixed --topic "${PREFIX}replies.")

# Every worker looks at all topics before it starts.
for worker in "$LEDGER" "$IDENTITY" "$HOUSEKEEPER"; do
  grant "$worker" Describe,DescribeConfigs "${topics[@]}"
done

grant "$LEDGER" Read "${commands[@]}"
grant "$LEDGER" Read --group "$LEDGER_GROUP"
for topic in results events.balance events.audit state.balances internal.credentials dead-letters; do
  grant "$LEDGER" Write --topic "$PREFIX$topic"
done
grant "$LEDGER" Write "${replies[@]}"

grant "$IDENTITY" Read --topic "${PREFIX}internal.credentials"
grant "$IDENTITY" Read --group "$IDENTITY_GROUP"
for topic in results dead-letters; do
  grant "$IDENTITY" Write --topic "$PREFIX$topic"
done
grant "$IDENTITY" Write "${replies[@]}"

for topic in events.balance state.balances; do
  grant "$HOUSEKEEPER" Write --topic "$PREFIX$topic"
done

# A sender reads its answers, without a consumer group where it uses the client.
grant "$SENDER" Write,Describe "${commands[@]}"
grant "$SENDER" Read,Describe --topic "${PREFIX}results"
grant "$SENDER" Read,Describe "${replies[@]}"

for topic in results events.balance events.audit state.balances; do
  grant "$SUBSCRIBER" Read,Describe --topic "$PREFIX$topic"
done
grant "$SUBSCRIBER" Read --resource-pattern-type prefixed --group "${SUBSCRIBER#User:}"

# `accounts topics apply` and `accounts watch`, dead letters included.
grant "$OPERATOR" Create,Describe,DescribeConfigs,Alter,AlterConfigs,Read "${topics[@]}"
