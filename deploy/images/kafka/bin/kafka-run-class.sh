#!/bin/sh
# Runs a class of Kafka's jars: kafka-run-class.sh CLASS ARGUMENT...
# shellcheck disable=SC2086 - options are words
exec /opt/java/bin/java ${KAFKA_HEAP_OPTS:--Xmx256M} ${KAFKA_OPTS:-} \
  ${KAFKA_LOG4J_OPTS:--Dlog4j2.configurationFile=/opt/kafka/config/tools-log4j2.yaml} \
  -cp '/opt/kafka/libs/*' "$@"
