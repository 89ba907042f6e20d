# Prints the changes of customers and orders. ../../docs/events.md explains it.
import json
import os

import pika

QUEUE = os.environ.get("QUEUE", "erp.sync")
BIND = os.environ.get("BIND", "customer.#,order.#")
QUEUE_ARGUMENTS = {
    "x-queue-type": "quorum",  # survives the loss of one of three nodes
    "x-single-active-consumer": True,  # a second process waits, so that the order holds
    "x-max-length-bytes": 1_000_000_000,  # the oldest events are dropped from then on
}

# In a program of your own both are tables, written in one transaction with what the event changes.
handled_ids: set[str] = set()
versions: dict[str, int] = {}


def handle(event: dict) -> None:
    data, subject = event["data"], event["subject"]
    if event["id"] in handled_ids or data["version"] < versions.get(subject, 0):
        return
    changed = ",".join(data.get("changed", ["everything"]))
    print(event["type"], subject, f"version {data['version']}", f"changed {changed}", flush=True)
    handled_ids.add(event["id"])
    versions[subject] = data["version"]


connection = pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"]))
channel = connection.channel()
channel.queue_declare(QUEUE, durable=True, arguments=QUEUE_ARGUMENTS)
for pattern in BIND.split(","):
    channel.queue_bind(QUEUE, "clientele.events", pattern)
channel.basic_qos(prefetch_count=1)
print(f"waiting for {BIND} in {QUEUE}", flush=True)
# If the connection closes, this throws; whatever starts this program, such as systemd or Docker, starts it again.
for method, _properties, body in channel.consume(QUEUE):
    # If this throws, the process ends without an acknowledgement, and the event is delivered again.
    handle(json.loads(body))
    channel.basic_ack(method.delivery_tag)
