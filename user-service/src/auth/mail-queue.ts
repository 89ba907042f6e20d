import { databaseTime, secondsAgo, secondsFromNow } from '@clientele/platform/data/database-time'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import { counter } from '@clientele/platform/runtime/telemetry'
import { Op } from 'sequelize'
import type { People } from '../keycloak/people.ts'
import type { UserMail } from '../users/user-mail.ts'
import type { MailModel, MailPurpose, Mails } from './mail.model.ts'

type Due = Pick<MailModel, 'id' | 'purpose' | 'recipient' | 'attempts'>
type Deps = { db: Db; mails: Mails; people: People; mail: UserMail; log: Log; intervalMs?: number }

const leaseSeconds = 60
const batch = 5
const maxAttempts = 8
const firstPauseSeconds = 5
const maxPauseSeconds = 900
/** To one address at most one mail a minute. */
const quietSeconds = 60

export type MailQueue = ReturnType<typeof createMailQueue>

/**
 * Mails that are sent after the answer: it takes as long, and says the same, whether the address is known or not, and what
 * was asked for survives a crash and a mail server that is away.
 */
export const createMailQueue = ({ db, mails, people, mail, log, intervalMs = 500 }: Deps) => {
  const outcomes = counter('mails_total', 'Mails that Keycloak was asked to send', ['purpose', 'outcome'])
  for (const purpose of ['password_reset', 'verify_email'])
    for (const outcome of ['done', 'failed', 'given_up']) outcomes.inc({ purpose, outcome }, 0)

  const enqueue = async (purpose: MailPurpose, recipient: string, tx?: Tx): Promise<void> => {
    await db.query(
      `insert into mails (id, purpose, recipient) values ($1, $2, $3)
       on conflict (purpose, recipient) do update set attempts = 0, next_at = clock_timestamp(), created_at = clock_timestamp(), sent_at = null
       where mails.sent_at < now() - make_interval(secs => $4)`,
      [newId(), purpose, recipient, quietSeconds],
      { tx },
    )
  }

  /** Taken for a while, so that a replica that dies does not take them along. */
  const take = (): Promise<Due[]> =>
    db.query<Due>(
      `update mails set attempts = attempts + 1, next_at = now() + make_interval(secs => $1)
       where id in (select id from mails where sent_at is null and next_at <= now() order by next_at limit $2 for update skip locked)
       returning id, purpose, recipient, attempts`,
      [leaseSeconds, batch],
    )

  const send = async ({ purpose, recipient }: Due): Promise<void> => {
    const person = purpose === 'password_reset' ? await people.byEmail(recipient) : await people.person(recipient)
    if (!person?.enabled || person.email === null) return
    if (purpose === 'password_reset') await mail.resetQuietly(person.id)
    else if (!person.emailVerified) await mail.verify(person.id)
  }

  const work = async (due: Due): Promise<void> => {
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
        last ? 'mail given up' : 'mail not sent; tried again',
      )
      const pause = Math.min(firstPauseSeconds * 3 ** (attempts - 1), maxPauseSeconds)
      if (last) await mails.destroy({ where: { id } })
      else await mails.update({ nextAt: secondsFromNow(pause) }, { where: { id } })
    }
  }

  const drain = async (signal: AbortSignal): Promise<void> => {
    for (let due = await take(); due.length > 0 && !signal.aborted; due = await take()) await Promise.all(due.map(work))
  }

  return {
    passwordReset: (email: string) => enqueue('password_reset', email),
    verification: async (userId: string, tx?: Tx): Promise<void> => {
      if (mail.available) await enqueue('verify_email', userId, tx)
    },
    /** Removes what was sent: the address is not kept longer than the pause between two mails asks for. */
    cleanup: async (): Promise<void> => {
      await mails.destroy({ where: { sentAt: { [Op.lt]: secondsAgo(quietSeconds * 2) } } })
    },
    task: (): Task => every({ name: 'mails', intervalMs, run: drain, runAtStart: true, log }),
  }
}
