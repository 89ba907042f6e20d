import { connectDb } from '@clientele/platform/data/db'
import { afterCommit } from '@clientele/platform/data/transaction'
import { connectBroker } from '@clientele/platform/events/broker'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { createRelay } from '@clientele/platform/events/outbox/relay'
import { createLog } from '@clientele/platform/runtime/log'
import { servePeer } from '../peer-process.ts'
import { type Burst, createTimestamps, numberedEvent, sendAtRate } from './event-load.ts'

// Publishes as a service does: transactions add events to the outbox, and a relay publishes them.
servePeer(async ({ databaseUrl, brokerUrl }: { databaseUrl: string; brokerUrl: string }) => {
  const log = createLog({ name: 'outbox-writer', level: 'warn' })
  const db = await connectDb({ databaseUrl, databasePoolMax: 10, statementTimeoutMs: 10_000 }, 'platform_test')
  const broker = connectBroker({ url: brokerUrl, name: 'outbox-writer', log })
  const relay = createRelay({ db, broker, source: '/customer-service', log })
  const committed = createTimestamps()
  const batch = 500

  return {
    relay: async () => {
      relay.start()
      await broker.connected(10_000)
    },
    send: async (burst: Burst) => {
      await sendAtRate(burst, (n) =>
        db.transaction(async (tx) => {
          afterCommit(tx, () => committed.note(n))
          await outbox.add(tx, numberedEvent(n))
        }),
      )
      return committed.take(burst)
    },
    fill: async ({ from, count }: Burst) => {
      for (let at = from; at < from + count; at += batch) {
        const events = Array.from({ length: Math.min(batch, from + count - at) }, (_, n) => numberedEvent(at + n))
        await db.transaction((tx) => outbox.add(tx, ...events))
      }
    },
    end: async () => {
      await relay.stop()
      await broker.close()
      await db.close()
    },
  }
})
