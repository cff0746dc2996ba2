"""The shapes of AsyncAPI's bindings, and which versions each protocol has (newest first)."""

from __future__ import annotations

from collections.abc import Mapping

_SCHEMA_ID = "schemaIdLocation:=header,payload schemaIdPayloadEncoding schemaLookupStrategy"
_TOPIC = "topic partitions:int(1,) replicas:int(1,)"
_LIMITS = (
    "cleanup.policy:[=compact,delete] retention.ms:int(-1,) retention.bytes:int(-1,) "
    "delete.retention.ms:int(0,) max.message.bytes:int(0,)"
)
_VERBS = "method:=GET,PUT,POST,PATCH,DELETE,HEAD,OPTIONS,CONNECT,TRACE query:Schema"
_SOLACE_QUEUE = "name topicSubscriptions:[str] accessType:=exclusive,nonexclusive"
_SQS_QUEUE = (
    "deduplicationScope:=queue,messageGroup fifoThroughputLimit:=perQueue,perMessageGroupId "
    "deliveryDelay:int(0,900) visibilityTimeout:int(0,43200) receiveMessageWaitTime:int "
    "messageRetentionPeriod:int(60,1209600) redrivePolicy:SqsRedrive policy:AwsPolicy tags:map +any"
)

_KINDS: Mapping[str, Mapping[str, str]] = {
    "mqtt server": {
        "0.2.0": "clientId cleanSession:bool lastWill:MqttWill keepAlive:int "
        "sessionExpiryInterval:int(0,)/Schema& maximumPacketSize:int(1,4294967295)/Schema& +x"
    },
    "mqtt operation": {"0.2.0": "qos:#0,1,2 retain:bool messageExpiryInterval:int(0,4294967295)/Schema& +x"},
    "mqtt message": {
        "0.2.0": "payloadFormatIndicator:#0,1 correlationData:Schema& contentType "
        "responseTopic:MqttTopic/Schema& +x"
    },
    "kafka server": dict.fromkeys(("0.5.0", "0.4.0", "0.3.0"), "schemaRegistryUrl schemaRegistryVendor +x"),
    "kafka channel": {
        "0.5.0": f"{_TOPIC} topicConfiguration:KafkaTopic5 +x",
        "0.4.0": f"{_TOPIC} topicConfiguration:KafkaTopic4 +x",
        "0.3.0": f"{_TOPIC} +x",
    },
    "kafka operation": dict.fromkeys(("0.5.0", "0.4.0", "0.3.0"), "groupId:Schema clientId:Schema +x"),
    "kafka message": {
        "0.5.0": f"key:Schema& {_SCHEMA_ID} +x",
        "0.4.0": f"key:Reference/Schema/AvroSchema {_SCHEMA_ID} +x",
        "0.3.0": f"key:Schema {_SCHEMA_ID} +x",
    },
    "jms server": {"0.0.1": "jmsConnectionFactory! properties:[JmsProperty] clientID +x"},
    "jms channel": {"0.0.1": "destination destinationType:=queue,fifo-queue +x"},
    "jms message": {"0.0.1": "headers:Schema +x"},
    "ibmmq server": {
        "0.1.0": "groupId ccdtQueueManagerName cipherSpec multiEndpointServer:bool "
        "heartBeatInterval:int(0,999999) +x"
    },
    "ibmmq channel": {
        "0.1.0": "destinationType:=topic,queue queue:IbmmqQueue topic:IbmmqTopic "
        "maxMsgLength:int(0,104857600) ?OneIbmmqKind +x"
    },
    "ibmmq message": {
        "0.1.0": "type:=string,jms,binary headers description expiry:int(0,) ?OneIbmmqMessage +x"
    },
    "solace server": {
        "0.4.0": "msgVpn clientName:str(1,160) +x",
        "0.3.0": "msgVpn +x",
        "0.2.0": "msvVpn +x",
    },
    "solace operation": {
        "0.4.0": "destinations:[SolaceDestination] timeToLive:int priority:int(0,255) dmqEligible:bool",
        "0.3.0": "destinations:[SolaceDestination]",
        "0.2.0": "destinations:[SolaceDestination2]",
    },
    "pulsar server": {"0.1.0": "tenant +x"},
    "pulsar channel": {
        "0.1.0": "namespace! persistence!:=persistent,non-persistent compaction:int(0,) "
        "geo-replication:[str] retention:PulsarRetention ttl:int deduplication:bool +x"
    },
    "ros2 server": {"0.1.0": "rmwImplementation domainId:int(0,231) +any"},
    "ros2 operation": {
        "0.1.0": "role!:=publisher,action_client,service_client,subscriber,action_server,service_server "
        "node! qosPolicies:Ros2Quality +x"
    },
    "ws channel": {"0.1.0": "method:=GET,POST query:Schema& headers:Schema& +x"},
    "amqp channel": {"0.3.0": "is:=queue,routingKey exchange:AmqpExchange queue:AmqpQueue ?OneAmqpKind +x"},
    "amqp operation": {
        "0.3.0": "expiration:int(0,) userId cc:[str] priority:int deliveryMode:#1,2 mandatory:bool "
        "bcc:[str] timestamp:bool ack:bool +x"
    },
    "amqp message": {"0.3.0": "contentEncoding messageType +x"},
    "anypointmq channel": {"0.0.1": "destination destinationType:=exchange,queue,fifo-queue +x"},
    "anypointmq message": {"0.0.1": "headers:Schema& +x"},
    "sns channel": {"0.1.0": "name! ordering:SnsOrdering policy:AwsPolicy tags:map +x"},
    "sns operation": {"0.1.0": "topic:AwsIdentifier consumers!:[SnsConsumer]+ deliveryPolicy:SnsDelivery +x"},
    "sqs channel": {"0.2.0": "queue!:SqsQueue deadLetterQueue:SqsQueue +x"},
    "sqs operation": {"0.2.0": "queues!:[SqsNamedQueue] +x"},
    "googlepubsub channel": {
        "0.2.0": "labels:map messageRetentionDuration messageStoragePolicy:PubsubPolicy "
        "schemaSettings!:PubsubSettings +x"
    },
    "googlepubsub message": {"0.2.0": "attributes:map orderingKey schema:PubsubSchema +x"},
    "http operation": {"0.3.0": f"{_VERBS} +x", "0.2.0": f"{_VERBS} +x"},
    "http message": {"0.3.0": "headers:Schema statusCode:num +x", "0.2.0": "headers:Schema +x"},
    "nats operation": {"0.1.0": "queue:str(,255) +x"},
}
"""Protocol and owner → version → what it may hold beside ``bindingVersion``."""

_PARTS: Mapping[str, str] = {
    "MqttWill": "topic qos:#0,1,2 message retain:bool +any",
    "MqttTopic": "=> template(1,)",
    "KafkaTopic5": (
        f"{_LIMITS} confluent.key.schema.validation:bool confluent.key.subject.name.strategy "
        "confluent.value.schema.validation:bool confluent.value.subject.name.strategy +any"
    ),
    "KafkaTopic4": _LIMITS,
    "JmsProperty": "name! value!:str/bool/num/null +any",
    "IbmmqQueue": "objectName!:str(,48) isPartitioned:bool exclusive:bool +any",
    "IbmmqTopic": "string:str(,10240) objectName:str(,48) durablePermitted:bool lastMsgRetained:bool +any",
    "SolaceQueue": f"{_SOLACE_QUEUE} maxTtl maxMsgSpoolUsage +any",
    "SolaceQueue2": f"{_SOLACE_QUEUE} +any",
    "SolaceOnQueue": "deliveryMode:=direct,persistent destinationType:=queue queue:SolaceQueue +any",
    "SolaceOnQueue2": "deliveryMode:=direct,persistent destinationType:=queue queue:SolaceQueue2 +any",
    "SolaceOnTopic": "deliveryMode:=direct,persistent destinationType:=topic topicSubscriptions:[str] +any",
    "PulsarRetention": "time:int(0,) size:int(0,)",
    "Ros2Quality": (
        "reliability:=best_effort,realiable history:=keep_last,keep_all,unknown "
        "durability:=transient_local,volatile lifespan:int deadline:int liveliness:=automatic,manual "
        "leaseDuration:int +any"
    ),
    "AmqpExchange": (
        "name:str(,255) type:=topic,direct,fanout,default,headers durable:bool autoDelete:bool vhost +any"
    ),
    "AmqpQueue": "name:str(,255) durable:bool exclusive:bool autoDelete:bool vhost +any",
    "SnsOrdering": "type!:=standard,FIFO contentBasedDeduplication:bool +any",
    "SnsConsumer": (
        "protocol!:=http,https,email,email-json,sms,sqs,application,lambda,firehose endpoint!:AwsIdentifier "
        "filterPolicy:SnsFilter filterPolicyScope:=MessageAttributes,MessageBody rawMessageDelivery!:bool "
        "redrivePolicy:SnsRedrive deliveryPolicy:SnsDelivery displayName +any"
    ),
    "SnsFilter": "=> {[str]/str/map}",
    "SnsDelivery": (
        "minDelayTarget:int maxDelayTarget:int numRetries:int numNoDelayRetries:int numMinDelayRetries:int "
        "numMaxDelayRetries:int backoffFunction:=arithmetic,exponential,geometric,linear "
        "maxReceivesPerSecond:int +any"
    ),
    "SnsRedrive": "deadLetterQueue!:AwsIdentifier maxReceiveCount:int +any",
    "SqsRedrive": "deadLetterQueue!:SqsIdentifier maxReceiveCount:int +any",
    "SqsIdentifier": "arn name +any",
    "AwsIdentifier": "url email phone arn name +any",
    "AwsPolicy": "statements!:[AwsStatement] +any",
    "AwsStatement": "effect!:=Allow,Deny principal!:str/[str] action!:str/[str] +any",
    "SqsQueue": f"name! fifoQueue!:bool {_SQS_QUEUE}",
    "SqsNamedQueue": f"$ref name! fifoQueue:bool {_SQS_QUEUE}",
    "PubsubPolicy": "allowedPersistenceRegions:[str]",
    "PubsubSettings": "encoding! name! firstRevisionId lastRevisionId +any",
    "PubsubSchema": "name! +any",
}


def _name(kind: str, version: str) -> str:
    protocol, owner = kind.split()
    return f"{protocol.capitalize()}{owner.capitalize()}{version.replace('.', '')}"


VERSIONS: Mapping[tuple[str, str], Mapping[str, str]] = {
    (kind.split()[0], kind.split()[1]): {version: _name(kind, version) for version in versions}
    for kind, versions in _KINDS.items()
}
"""(protocol, owner) → version → the name of its shape."""

SHAPES: Mapping[str, str] = {
    **_PARTS,
    **{
        _name(kind, version): f"{shape} bindingVersion"
        for kind, versions in _KINDS.items()
        for version, shape in versions.items()
    },
}
