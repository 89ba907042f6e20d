import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { customerEvent, type Overrides, orderEvent, type Running, startNotifications } from './start.ts'

type Replies = { recipient?: string; content?: string | undefined }

/** The reply to a command. */
const replyTo = (command: string, replies: Replies): string => {
  if (command.startsWith('RCPT')) return replies.recipient ?? '250 ok'
  if (command.startsWith('DATA')) return '354 go on'
  return command.startsWith('QUIT') ? '221 bye' : '250 ok'
}

/** Replies to the content of an e-mail. */
const answerContent = (socket: Socket, replies: Replies): void => {
  if (replies.content === 'nothing') return
  if ('content' in replies && replies.content === undefined) socket.destroy()
  else socket.write(`${replies.content ?? '250 accepted'}\r\n`)
}

/**
 * Starts an SMTP server with the given replies to the recipient or the content. For the content, undefined closes the connection
 * and `nothing` sends no reply.
 */
const startSmtp = async (replies: Replies) => {
  const mails: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write('220 test\r\n')
    let isInContent = false
    createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
      if (isInContent) {
        if (line !== '.') return
        isInContent = false
        mails.push('mail')
        answerContent(socket, replies)
        return
      }
      isInContent = line.startsWith('DATA')
      socket.write(`${replyTo(line, replies)}\r\n`)
      if (line.startsWith('QUIT')) socket.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mails,
    stop: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

type Mail = { from: string; to: string[]; subject: string; text: string }
const receivedMails = async (to: string): Promise<Mail[]> => {
  const response = await fetch(`${process.env['TEST_MAIL_URL']}/messages?to=${encodeURIComponent(to)}`)
  return (await response.json()) as Mail[]
}

const anAddress = () => `ana.${newId()}@example.com`
const place = async (service: Running, fields: Record<string, unknown> = {}) => {
  const email = anAddress()
  const customer = customerEvent({ phone: null, email, ...fields })
  const order = orderEvent(customer.subject, { number: 'ORD-000777', total: '99.90', currency: 'EUR' })
  await service.publish(customer)
  await service.waitUntilHandled('customers', customer)
  await service.publish(order)
  return { orderId: order.subject, email }
}
const withService = async (overrides: Overrides, work: (service: Running) => Promise<void>) => {
  const service = await startNotifications(overrides)
  try {
    await work(service)
  } finally {
    await service.stop()
  }
}

describe('E-mail to customers without a phone number', () => {
  it('the e-mail has number, total and shop, in the language of the customer', () =>
    withService({}, async (service) => {
      const { orderId, email } = await place(service, { locale: 'de', name: 'Jörg' })
      const sent = await service.waitFor(orderId, { status: 'sent', channel: 'email', provider: 'smtp', to: email })
      const [mail, ...more] = await eventually(async () => {
        const mails = await receivedMails(email)
        expect(mails.length).toBeGreaterThan(0)
        return mails
      })
      expect(more).toEqual([])
      expect(mail).toMatchObject({
        from: 'shop@example.com',
        to: [email],
        subject: 'Ihre Bestellung ORD-000777 bei Duka',
      })
      expect(mail?.text).toContain('Guten Tag Jörg,')
      expect(mail?.text).toContain('99,90 €')
      const masked = `a***@example.com`
      expect((await service.user.get(`/v1/notifications/${sent.id}`)).body.to).toBe(masked)
    }))

  it('a name cannot inject e-mail headers', () =>
    withService({}, async (service) => {
      const { orderId, email } = await place(service, { name: 'Ana\r\nBcc: eve\r\n\r\nBuy' })
      await service.waitFor(orderId, { status: 'sent' })
      const [mail] = await receivedMails(email)
      expect(mail?.to).toEqual([email])
      expect(mail?.text).toContain('Hello Ana Bcc: eve Buy,')
      expect(await receivedMails('eve')).toEqual([])
    }))

  it('the message is skipped if no mail server is configured', () =>
    withService({ config: { smtpUrl: undefined } }, async (service) => {
      const { orderId } = await place(service)
      await service.waitFor(orderId, { status: 'skipped', reason: 'no_email_channel' })
    }))
})

describe('Outcomes of e-mails', () => {
  const run = async (
    replies: Parameters<typeof startSmtp>[0],
    expected: Record<string, unknown>,
    contents: number,
  ): Promise<void> => {
    const smtp = await startSmtp(replies)
    await withService(
      { config: { smtpUrl: smtp.url, sendTimeoutMs: 1_000 }, timing: { retryMs: [20, 20] } },
      async (service) => {
        const { orderId } = await place(service)
        await service.waitFor(orderId, expected)
        expect(smtp.mails).toHaveLength(contents)
      },
    )
    smtp.stop()
  }

  it('an e-mail fails if the server permanently rejects the recipient', () =>
    run({ recipient: '550 no such mailbox' }, { status: 'failed', reason: 'smtp_550', attempts: 1 }, 0))

  it('an e-mail fails if the server permanently rejects the content', () =>
    run({ content: '554 spam' }, { status: 'failed', reason: 'smtp_554', attempts: 1 }, 1))

  it('an e-mail is retried if the server rejects it temporarily', () =>
    run({ recipient: '451 later' }, { status: 'failed', reason: 'gave_up', attempts: 3 }, 0))

  it('an e-mail is not repeated if the connection breaks after the content', () =>
    run({ content: undefined }, { status: 'failed', reason: 'outcome_unknown', attempts: 1 }, 1))

  it('an e-mail is not repeated if the server does not respond to the content', () =>
    run({ content: 'nothing' }, { status: 'failed', reason: 'outcome_unknown', attempts: 1 }, 1))

  it('an e-mail is retried if the server is unavailable', () =>
    withService({ config: { smtpUrl: 'smtp://127.0.0.1:1' }, timing: { retryMs: [20] } }, async (service) => {
      const { orderId } = await place(service)
      await service.waitFor(orderId, { status: 'failed', reason: 'gave_up', attempts: 2 })
    }))
})
