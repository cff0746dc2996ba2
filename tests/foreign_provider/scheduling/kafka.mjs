// Events out, in order; others' events in, each once; what cannot be processed goes to the dead letters.
import { randomUUID } from 'node:crypto'
import { Kafka, Partitioners, logLevel } from 'kafkajs'

const PATIENT = { retries: Number.MAX_SAFE_INTEGER, maxRetryTime: 5000 } // Kafka may be away: events wait
let producer, last = Promise.resolve()

/** Sends an event as CloudEvents 1.0 in binary mode, after what is being done now and what was sent before. */
export function publish(type, topic, payload, { correlation, causation, traceparent }) {
  const headers = {
    ce_specversion: '1.0', ce_id: randomUUID(), ce_type: `${type}.v1`,
    ce_source: '/portal/scheduling', ce_subject: payload.id, ce_time: payload.occurredAt,
    ce_correlationid: correlation, ce_causationid: causation, ce_sequence: String(payload.version ?? 1),
    traceparent, 'content-type': 'application/json',
  }
  send(topic, { key: payload.id, headers, value: JSON.stringify(payload) })
}

function send(topic, message) {
  const sent = () => producer?.send({ topic, acks: -1, messages: [message] })
  last = last.then(sent).catch((error) => console.error(`not sent to ${topic}: ${error.message}`))
}

/**
 * Connects to Kafka and gives every message to the operation of its topic, {topic: function}, which says why it
 * cannot be processed, if so.
 */
export async function connect(bootstrap, operations) {
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.ERROR, retry: PATIENT })
  const createPartitioner = Partitioners.DefaultPartitioner // the same as Java's
  producer = kafka.producer({ createPartitioner, idempotent: true, maxInFlightRequests: 1 })
  const patience = { sessionTimeout: 6000, heartbeatInterval: 1000, maxWaitTimeInMs: 100 }
  const consumer = kafka.consumer({ groupId: 'portal.scheduling', ...patience })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topics: Object.keys(operations), fromBeginning: true })
  const joined = new Promise((resolve) => { consumer.on(consumer.events.GROUP_JOIN, resolve) })
  await consumer.run({ eachMessage: async (each) => receive(each, operations[each.topic]) })
  await joined
}

function receive({ topic, partition, message }, operation) {
  const reason = attempt(message, operation)
  const headers = {
    ...message.headers, deadletter_topic: topic, deadletter_partition: String(partition),
    deadletter_offset: message.offset, deadletter_operation: operation.name, deadletter_reason: reason,
  }
  if (reason) send('portal.scheduling.dead-letter.v1', { key: message.key, value: message.value, headers })
}

function attempt({ value, headers }, operation) {
  let payload
  try { payload = JSON.parse(value) } catch { return 'malformed' }
  const text = (name) => headers[name]?.toString(), id = text('ce_id')
  const cause = { correlation: text('ce_correlationid'), causation: id, traceparent: text('traceparent') }
  try {
    return operation(payload, id, Number(text('ce_sequence')), cause)
  } catch (error) { // all of it is in memory: another attempt would end the same way
    console.error(error.stack)
    return 'failed'
  }
}
