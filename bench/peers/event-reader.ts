import { customerUpdated } from '@clientele/contracts/customer'
import { connectDb } from '@clientele/platform/data/db'
import { connectBroker } from '@clientele/platform/events/broker'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { RunningConsumer } from '@clientele/platform/events/consumer/running-consumer'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { createLog } from '@clientele/platform/runtime/log'
import { servePeer } from '../peer-process.ts'
import { createTimestamps } from './event-load.ts'

type Config = { databaseUrl: string; brokerUrl: string; queue: string }

// Consumes as a projection does: writes what it needs of all events that wait to its own table, exactly once.
servePeer(async ({ databaseUrl, brokerUrl, queue }: Config) => {
  const log = createLog({ name: 'event-reader', level: 'warn' })
  const db = await connectDb({ databaseUrl, databasePoolMax: 10, statementTimeoutMs: 10_000 }, 'platform_test')
  const broker = connectBroker({ url: brokerUrl, name: 'event-reader', log })
  const received = createTimestamps()
  const keepNewest = `insert into seen (subject, version)
    select subject, max(version) from unnest($1::text[], $2::integer[]) as event (subject, version) group by subject
    on conflict (subject) do update set version = excluded.version where seen.version < excluded.version`
  const reader = consumer({
    queue,
    events: [customerUpdated],
    handleAll: async (all, tx) => {
      for (const { data } of all) received.note(data.version)
      const values = [all.map(({ subject }) => subject), all.map(({ data }) => data.version)]
      await db.query(keepNewest, values, { tx, name: 'keep_newest' })
    },
  })
  let running: RunningConsumer | undefined

  return {
    consume: async () => {
      running = startConsumers([reader], { broker, service: 'bench', log, db })
      await running.ready(10_000)
    },
    pause: () => running?.stop(),
    take: received.take,
    end: async () => {
      await running?.stop()
      await broker.close()
      await db.close()
    },
  }
})
