import type { Db } from '@clientele/platform/data/db'
import { leaderTask } from '@clientele/platform/data/leader-election'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { nightlyCheckTask } from '../audit/nightly-check.ts'
import type { Partitions } from '../events/partitions.ts'
import { createRetention, type Keep } from './retention.ts'
import { removeOldMessages } from './unreadable-messages.ts'

const hourMs = 3_600_000

const all = (name: string, tasks: readonly Task[]): Task => ({
  name,
  start: async () => {
    for (const task of tasks) await task.start()
  },
  stop: async () => {
    await Promise.all(tasks.map((task) => task.stop()))
  },
})

/** Creates and drops months of events, removes old messages and checks the chains at night, on one replica. */
export const activityCleanup = ({
  db,
  partitions,
  keep,
  log,
}: {
  db: Db
  partitions: Partitions
  keep: Keep
  log: Log
}): Task => {
  const retain = createRetention({ db, partitions, keep, log })
  const retention = periodicTask({
    name: 'activity-retention',
    intervalMs: hourMs,
    runAtStart: true,
    log,
    run: async () => {
      await removeOldMessages(db)
      await retain()
    },
  })
  const name = 'activity-cleanup'
  return leaderTask({ db, name, task: all(name, [retention, nightlyCheckTask({ db, log })]), log })
}
