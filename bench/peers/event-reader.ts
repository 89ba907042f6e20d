import { customerUpdated } from '@clientele/contracts/customer'
import { connectDb } from '@clientele/platform/data/db'
import { connectBroker } from '@clientele/platform/events/broker'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { Running } from '@clientele/platform/events/consumer/running'
import { startConsumers } from '@clientele/platform/events/consumer/start-consumers'
import { createLog } from '@clientele/platform/runtime/log'
import { answering } from '../program.ts'
import { createTimes } from './event-load.ts'

type Config = { databaseUrl: string; brokerUrl: string; queue: string }

// What a service does that consumes: keeps what it needs of each event, once, in its own table.
answering(async ({ databaseUrl, brokerUrl, queue }: Config) => {
  const log = createLog({ name: 'event-reader', level: 'warn' })
  const db = await connectDb({ databaseUrl, databasePoolMax: 10, statementTimeoutMs: 10_000 }, 'platform_test')
  await db.query('create table if not exists seen (subject text primary key, version integer not null)')
  const broker = connectBroker({ url: brokerUrl, name: 'event-reader', log })
  const received = createTimes()
  const keepNewest = `insert into seen (subject, version) values ($1, $2)
    on conflict (subject) do update set version = excluded.version where seen.version < excluded.version`
  const reader = consumer({
    queue,
    events: [customerUpdated],
    handle: ({ subject, data }, tx) => {
      received.note(data.version)
      return db.query(keepNewest, [subject, data.version], { tx, name: 'keep_newest' })
    },
  })
  let running: Running | undefined

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
