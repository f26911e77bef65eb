"""The floor: what the durable steps of one event cost with Prism's client libraries and nothing else.

Kafka -> typed decode -> one transaction (position, ledger, dispatches, released batches) -> HTTP -> one transaction
(outcome with its fact, finished batches away, next batches released) -> outbox -> relay -> Kafka. Same tables, same
commits in the same order and same three threads as Prism, for one campaign with one provider. No gates, no retries,
no failures but "stop": it measures, it could not serve.
"""
