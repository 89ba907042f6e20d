import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { customerEvent, type Overrides, orderEvent, type Running, startNotifications } from './start.ts'

type Replies = { recipient?: string; content?: string | undefined }

/** What the server says to a command. */
const replyTo = (command: string, replies: Replies): string => {
  if (command.startsWith('RCPT')) return replies.recipient ?? '250 ok'
  if (command.startsWith('DATA')) return '354 go on'
  return command.startsWith('QUIT') ? '221 bye' : '250 ok'
}

/** What the server does after the content of a mail. */
const answerContent = (socket: Socket, replies: Replies): void => {
  if (replies.content === 'nothing') return
  if ('content' in replies && replies.content === undefined) socket.destroy()
  else socket.write(`${replies.content ?? '250 taken'}\r\n`)
}

/** An SMTP server that answers the recipient or the content as told: undefined breaks off there, `nothing` is no answer. */
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
const caught = async (to: string): Promise<Mail[]> => {
  const answer = await fetch(`${process.env['TEST_MAIL_URL']}/messages?to=${encodeURIComponent(to)}`)
  return (await answer.json()) as Mail[]
}

const anAddress = () => `ana.${newId()}@example.com`
const place = async (service: Running, fields: Record<string, unknown> = {}) => {
  const email = anAddress()
  const customer = customerEvent({ phone: null, email, ...fields })
  const order = orderEvent(customer.subject, { number: 'ORD-000777', total: '99.90', currency: 'EUR' })
  await service.publish(customer)
  await service.handled('customers', customer)
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

describe('a customer without a number gets an e-mail', () => {
  it('with number, total and shop, in the language of the customer', () =>
    withService({}, async (service) => {
      const { orderId, email } = await place(service, { locale: 'de', name: 'Jörg' })
      const sent = await service.becomes(orderId, { status: 'sent', channel: 'email', provider: 'smtp', to: email })
      const [mail, ...more] = await eventually(async () => {
        const mails = await caught(email)
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

  it('into whose headers nothing gets by a name', () =>
    withService({}, async (service) => {
      const { orderId, email } = await place(service, { name: 'Ana\r\nBcc: eve@example.com\r\n\r\nBuy' })
      await service.becomes(orderId, { status: 'sent' })
      const [mail] = await caught(email)
      expect(mail?.to).toEqual([email])
      expect(mail?.text).toContain('Hello Ana Bcc: eve@example.com Buy,')
      expect(await caught('eve@example.com')).toEqual([])
    }))

  it('is skipped where there is no mail server', () =>
    withService({ config: { smtpUrl: undefined } }, async (service) => {
      const { orderId } = await place(service)
      await service.becomes(orderId, { status: 'skipped', reason: 'no_email_channel' })
    }))
})

describe('an e-mail', () => {
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
        await service.becomes(orderId, expected)
        expect(smtp.mails).toHaveLength(contents)
      },
    )
    smtp.stop()
  }

  it('whose recipient the server refuses for good has failed', () =>
    run({ recipient: '550 no such mailbox' }, { status: 'failed', reason: 'smtp_550', attempts: 1 }, 0))

  it('whose content the server refuses for good has failed', () =>
    run({ content: '554 spam' }, { status: 'failed', reason: 'smtp_554', attempts: 1 }, 1))

  it('that the server puts off is tried again', () =>
    run({ recipient: '451 later' }, { status: 'failed', reason: 'gave_up', attempts: 3 }, 0))

  it('after which the connection breaks is not repeated', () =>
    run({ content: undefined }, { status: 'failed', reason: 'outcome_unknown', attempts: 1 }, 1))

  it('to which no answer comes is not repeated', () =>
    run({ content: 'nothing' }, { status: 'failed', reason: 'outcome_unknown', attempts: 1 }, 1))

  it('is tried again where the server does not answer at all', () =>
    withService({ config: { smtpUrl: 'smtp://127.0.0.1:1' }, timing: { retryMs: [20] } }, async (service) => {
      const { orderId } = await place(service)
      await service.becomes(orderId, { status: 'failed', reason: 'gave_up', attempts: 2 })
    }))
})
