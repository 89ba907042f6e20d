import { databaseTime } from '@clientele/platform/data/database-time'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { gauge } from '@clientele/platform/runtime/telemetry'
import { Op } from 'sequelize'
import type { Notifications } from '../notifications/notification.model.ts'
import type { ReportService } from '../reports/report.service.ts'
import type { Outcomes } from './outcomes.ts'
import type { Timing } from './timing.ts'

type Deps = {
  db: Db
  notifications: Notifications
  outcomes: Outcomes
  reports: ReportService
  timing: Timing
  log: Log
}

const selectQueued = `select count(*)::int as count,
  coalesce(extract(epoch from now() - min(queued_at)), 0)::float8 as age
from (select queued_at from notifications where status = 'queued' limit 10000) as queued`

/** Ends the attempts of processes that died, and applies delivery reports that arrived too early. Every replica runs it. */
export const createCleanup = ({ db, notifications, outcomes, reports, timing, log }: Deps): Task => {
  const queued = gauge('notifications_queued', 'Queued notifications, counted up to 10,000')
  const oldest = gauge('notifications_queued_oldest_seconds', 'How long the oldest queued notification has waited')

  const endLostAttempts = async () => {
    const lost = await notifications.findAll({
      attributes: ['id', 'attempts'],
      where: { claimedUntil: { [Op.lt]: databaseTime() } },
      order: ['claimedUntil'],
      limit: 100,
    })
    for (const { id, attempts } of lost) {
      log.warn({ notificationId: id }, 'the lease of an attempt ended without an outcome')
      await outcomes.recordUnknown(id, attempts)
    }
  }

  const measure = async () => {
    const [row] = await db.query<{ count: number; age: number }>(selectQueued)
    queued.set(row?.count ?? 0)
    oldest.set(row?.age ?? 0)
  }

  return periodicTask({
    name: 'notification-cleanup',
    intervalMs: timing.cleanupMs,
    runAtStart: true,
    log,
    run: async () => {
      await endLostAttempts()
      await reports.applyPending(timing.reportWaitMs)
      await measure()
    },
  })
}
