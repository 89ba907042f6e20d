import { createHash, randomBytes } from 'node:crypto'
import { secondsFromNow } from '@clientele/platform/data/database-time'
import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op, type WhereOptions } from 'sequelize'
import type { EmailLinkKind, EmailLinkModel, EmailLinkRows } from './email-link.model.ts'
import { enqueueMail } from './enqueue-mail.ts'
import type { Mailer } from './mailer.ts'

type Deps = { db: Db; emailLinks: EmailLinkRows; mailer: Mailer | undefined; publicUrl: string }

const confirmationSeconds = 86_400
const restorationSeconds = 7 * 86_400
/** Of more changes in a week, the later ones have no way back. */
const maxRestorations = 20
const minIntervalSeconds = 60

const hash = (token: string): string => createHash('sha256').update(token).digest('base64url')
const notExpired = { expiresAt: { [Op.gt]: secondsFromNow(0) } }

const texts: Record<EmailLinkKind, (link: string) => { subject: string; text: string }> = {
  confirmation: (link) => ({
    subject: 'Confirm your e-mail address',
    text: `Somebody who is signed in to an account of Clientele wants to use this e-mail address for it.\n\nIf it was you, confirm the address within 24 hours:\n\n${link}\n\nIf it was not you, ignore this mail: the address is not used.\n`,
  }),
  restoration: (link) => ({
    subject: 'The e-mail address of your account was changed',
    text: `The account of Clientele that had this e-mail address has another one now.\n\nIf you or an administrator changed it, there is nothing to do.\n\nIf not, somebody else may have got into your account. Within 7 days this link restores this address, removes a password that was set since, and ends all sessions:\n\n${link}\n`,
  }),
}

export type EmailLinks = ReturnType<typeof createEmailLinks>

/**
 * Links that are mailed when an e-mail address changes. A confirmation goes to the proposed address, and only the link makes it
 * the user's: a user has at most one. A restoration goes to the former address of a change that took effect, and takes it back.
 * Each link works once. Its token is created when the mail is sent, and only its hash is stored.
 */
export const createEmailLinks = ({ db, emailLinks, mailer, publicUrl }: Deps) => {
  const find = (where: WhereOptions<EmailLinkModel>, tx?: Tx): Promise<EmailLinkModel | null> =>
    emailLinks.findOne({ where: { ...where, ...notExpired }, transaction: tx ?? null })

  const proposalOf = (userId: string, tx?: Tx) => find({ kind: 'confirmation', userId }, tx)

  const withdraw = async (tx: Tx, userId: string): Promise<void> => {
    await emailLinks.destroy({ where: { kind: 'confirmation', userId }, transaction: tx })
  }

  /**
   * If `email` is a former address that can still be restored, forgets that change and the later ones, so that nobody who got
   * an address in between has a way back. @returns whether it was
   */
  const forgetChangesSince = async (tx: Tx, userId: string, email: string): Promise<boolean> => {
    const first = await emailLinks.findOne({
      where: { kind: 'restoration', userId, email, ...notExpired },
      order: ['createdAt'],
      transaction: tx,
    })
    if (!first) return false
    const since = { createdAt: { [Op.gte]: first.createdAt } }
    await emailLinks.destroy({ where: { kind: 'restoration', userId, ...since }, transaction: tx })
    return true
  }

  return {
    available: mailer !== undefined,
    proposalOf,
    withdraw,

    /** Whether the address was the former one of another user in the last week. Nobody else gets it while it can be restored. */
    isReserved: async (email: string, userId?: string): Promise<boolean> =>
      (await find({ kind: 'restoration', email, ...(userId !== undefined && { userId: { [Op.ne]: userId } }) })) !==
      null,

    /** Replaces the user's proposal and mails its link. @throws Problem 429 if the last one is not a minute old */
    propose: async (tx: Tx, userId: string, email: string): Promise<void> => {
      const last = await proposalOf(userId, tx)
      if (last?.email === email) return
      const seconds = last ? minIntervalSeconds - Math.floor((Date.now() - last.createdAt.getTime()) / 1000) : 0
      if (seconds > 0)
        throw new Problem('rate_limited', {
          detail: 'another address was proposed less than a minute ago',
          headers: { 'Retry-After': String(seconds) },
        })
      await withdraw(tx, userId)
      const id = newId()
      const expiresAt = new Date(Date.now() + confirmationSeconds * 1000)
      await emailLinks.create({ id, kind: 'confirmation', userId, email, expiresAt }, { transaction: tx })
      await enqueueMail(db, 'confirm_email', id, tx)
    },

    /** Records a change that took effect, and mails the way back to the former address if that was the user's own. */
    recordChange: async (
      tx: Tx,
      userId: string,
      { former, current }: { former: string | undefined; current: string | null },
    ): Promise<void> => {
      await withdraw(tx, userId)
      if (current !== null && (await forgetChangesSince(tx, userId, current))) return
      if (former === undefined || mailer === undefined) return
      const where = { kind: 'restoration' as const, userId, ...notExpired }
      if ((await emailLinks.count({ where, transaction: tx })) >= maxRestorations) return
      const id = newId()
      const expiresAt = new Date(Date.now() + restorationSeconds * 1000)
      await emailLinks.create({ id, kind: 'restoration', userId, email: former, expiresAt }, { transaction: tx })
      await enqueueMail(db, 'restore_email', id, tx)
    },

    findByToken: (kind: EmailLinkKind, token: string, tx: Tx) => find({ kind, tokenHash: hash(token) }, tx),

    delete: async (tx: Tx, { id }: EmailLinkModel): Promise<void> => {
      await emailLinks.destroy({ where: { id }, transaction: tx })
    },

    deleteOf: async (tx: Tx, userId: string): Promise<void> => {
      await emailLinks.destroy({ where: { userId }, transaction: tx })
    },

    /** Mails a link with a new token. Does nothing if the link is not wanted any more. */
    mail: async (id: string): Promise<void> => {
      const link = await find({ id })
      if (!link || !mailer) return
      const token = randomBytes(32).toString('base64url')
      await link.update({ tokenHash: hash(token) })
      // Servers do not see what stands behind the #, so no log has the token.
      const url = `${publicUrl}/email-${link.kind}#${token}`
      await mailer({ to: link.email, ...texts[link.kind](url) })
    },

    /** Deletes expired links. */
    cleanup: async (): Promise<void> => {
      await emailLinks.destroy({ where: { expiresAt: { [Op.lte]: secondsFromNow(0) } } })
    },
  }
}
