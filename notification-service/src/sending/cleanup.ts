import { databaseTime } from '@clientele/platform/data/database-time'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import { gauge } from '@clientele/platform/runtime/telemetry'
import { Op } from 'sequelize'
import type { Notifications } from '../notifications/notification.model.ts'
import type { ReportService } from '../reports/report.service.ts'
import type { Settle } from './settle.ts'
import type { Timing } from './timing.ts'

type Deps = { db: Db; notifications: Notifications; settle: Settle; reports: ReportService; timing: Timing; log: Log }

const waiting = `select count(*)::int as count,
  coalesce(extract(epoch from now() - min(queued_at)), 0)::float8 as age
from (select queued_at from notifications where status = 'queued' limit 10000) as queued`

/** Every replica looks after what was left behind: attempts of processes that died, reports that came too early. */
export const createCleanup = ({ db, notifications, settle, reports, timing, log }: Deps): Task => {
  const queued = gauge('notifications_queued', 'Notifications that wait, counted up to 10,000')
  const oldest = gauge('notifications_queued_oldest_seconds', 'How long the oldest of them has waited')

  const endLost = async () => {
    const lost = await notifications.findAll({
      attributes: ['id', 'attempts'],
      where: { claimedUntil: { [Op.lt]: databaseTime() } },
      order: ['claimedUntil'],
      limit: 100,
    })
    for (const { id, attempts } of lost) {
      log.warn({ notificationId: id }, 'nobody recorded how an attempt ended')
      await settle.giveUp(id, attempts)
    }
  }

  const measure = async () => {
    const [row] = await db.query<{ count: number; age: number }>(waiting)
    queued.set(row?.count ?? 0)
    oldest.set(row?.age ?? 0)
  }

  return every({
    name: 'notification-upkeep',
    intervalMs: timing.cleanupMs,
    runAtStart: true,
    log,
    run: async () => {
      await endLost()
      await reports.applyKept(timing.reportWaitMs)
      await measure()
    },
  })
}
