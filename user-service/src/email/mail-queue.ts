import { databaseTime, secondsAgo, secondsFromNow } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { counter } from '@clientele/platform/runtime/telemetry'
import { Op } from 'sequelize'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { Users } from '../users/user.model.ts'
import type { EmailLinks } from './email-links.ts'
import { enqueueMail, minIntervalSeconds } from './enqueue-mail.ts'
import { type MailModel, type Mails, mailPurposes } from './mail.model.ts'
import { ownsAddress } from './own-address.ts'
import type { UserMail } from './user-mail.ts'

type DueMail = Pick<MailModel, 'id' | 'purpose' | 'recipient' | 'attempts'>
type Deps = {
  db: Db
  models: { mails: Mails; users: Users }
  keycloakUsers: KeycloakUsers
  userMail: UserMail
  emailLinks: EmailLinks
  log: Log
  intervalMs?: number
}

const leaseSeconds = 60
const batchSize = 5
const maxAttempts = 8
const firstRetrySeconds = 5
const maxRetrySeconds = 900

export type MailQueue = ReturnType<typeof createMailQueue>

/**
 * A queue of mails that are sent after the response to the request, most of them by Keycloak. So a response does not show, by its content or its
 * time, whether an address has an account; and a mail survives a crash or an unavailable mail server.
 *
 * A mail is due until `sent_at` is set. A worker claims due mails by moving `next_at` a minute ahead; if it crashes, they are
 * due again then. A failed mail is retried after 5 s, 15 s, 45 s, … up to 15 minutes, and deleted after eight attempts.
 */
export const createMailQueue = ({
  db,
  models: { mails, users },
  keycloakUsers,
  userMail,
  emailLinks,
  log,
  intervalMs = 500,
}: Deps) => {
  const outcomes = counter('mails_total', 'Mails of the queue', ['purpose', 'outcome'])
  for (const purpose of mailPurposes)
    for (const outcome of ['done', 'failed', 'given_up']) outcomes.inc({ purpose, outcome }, 0)

  /** Claims due mails for a minute. */
  const claim = (): Promise<DueMail[]> =>
    db.query<DueMail>(
      `update mails set attempts = attempts + 1, next_at = now() + make_interval(secs => $1)
       where id in (select id from mails where sent_at is null and next_at <= now() order by next_at limit $2 for update skip locked)
       returning id, purpose, recipient, attempts`,
      [leaseSeconds, batchSize],
    )

  const sendReset = async (email: string): Promise<void> => {
    const keycloakUser = await keycloakUsers.byEmail(email)
    if (!keycloakUser?.enabled) return
    // Whoever changed the address without a proof must not get the account by a reset. An admin can still mail one.
    const row = await users.findByPk(keycloakUser.id)
    if (ownsAddress(keycloakUser, row)) await userMail.sendQueuedReset(keycloakUser.id)
  }

  const sendVerification = async (userId: string): Promise<void> => {
    const keycloakUser = await keycloakUsers.byId(userId)
    if (keycloakUser?.enabled && keycloakUser.email !== null && !keycloakUser.emailVerified)
      await userMail.sendVerification(userId)
  }

  const send = async ({ purpose, recipient }: DueMail): Promise<void> => {
    if (purpose === 'password_reset') await sendReset(recipient)
    else if (purpose === 'verify_email') await sendVerification(recipient)
    else await emailLinks.mail(recipient)
  }

  const deliver = async (due: DueMail): Promise<void> => {
    const { id, purpose, attempts } = due
    try {
      await send(due)
      await mails.update({ sentAt: databaseTime() }, { where: { id } })
      outcomes.inc({ purpose, outcome: 'done' })
    } catch (err) {
      const last = attempts >= maxAttempts
      outcomes.inc({ purpose, outcome: last ? 'given_up' : 'failed' })
      log[last ? 'error' : 'warn'](
        { err, mail: id, purpose, attempts },
        last ? 'mail given up' : 'mail not sent; it will be retried',
      )
      const retrySeconds = Math.min(firstRetrySeconds * 3 ** (attempts - 1), maxRetrySeconds)
      if (last) await mails.destroy({ where: { id } })
      else await mails.update({ nextAt: secondsFromNow(retrySeconds) }, { where: { id } })
    }
  }

  const drain = async (signal: AbortSignal): Promise<void> => {
    for (let due = await claim(); due.length > 0 && !signal.aborted; due = await claim())
      await Promise.all(due.map(deliver))
  }

  const enqueueVerification = async (userId: string, tx: Tx): Promise<void> => {
    if (userMail.available) await enqueueMail(db, 'verify_email', userId, tx)
  }

  return {
    enqueuePasswordReset: (email: string) => enqueueMail(db, 'password_reset', email),
    enqueueVerification,
    /** As `enqueueVerification`, for a user whose address was changed: a mail to the former one a moment ago does not count. */
    enqueueVerificationOfChange: async (userId: string, tx: Tx): Promise<void> => {
      await mails.destroy({ where: { purpose: 'verify_email', recipient: userId }, transaction: tx })
      await enqueueVerification(userId, tx)
    },
    /** Deletes sent mails, so that addresses are kept no longer than the limit of one mail per minute requires. */
    cleanup: async (): Promise<void> => {
      await mails.destroy({ where: { sentAt: { [Op.lt]: secondsAgo(minIntervalSeconds * 2) } } })
    },
    task: (): Task => periodicTask({ name: 'mails', intervalMs, run: drain, runAtStart: true, log }),
  }
}
