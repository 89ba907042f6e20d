import { get } from 'node:http'
import { createConnection } from 'node:net'
import { createInterface } from 'node:readline'
import type { CaughtMessage } from '../src/backing/caught-message.ts'
import { startMail } from '../src/backing/mail.ts'
import type { ServiceHandle } from '../src/backing/postgres.ts'
import { freePorts } from '../src/profile/ports.ts'

/** Sends the lines to an SMTP server, each after the reply to the one before. @returns the replies */
const sendSmtp = async (port: number, lines: string[]): Promise<string[]> => {
  const socket = createConnection({ port, host: '127.0.0.1', timeout: 5000 })
  const replies: string[] = []
  const waiting = [...lines]
  for await (const line of createInterface({ input: socket })) {
    if (line[3] === '-') continue
    replies.push(line)
    const next = waiting.shift()
    if (next === undefined) socket.end()
    else socket.write(`${next}\r\n`)
  }
  return replies
}

const mailTo = (to: string, body: string) => [
  'EHLO test',
  'MAIL FROM:<shop@clientele.localhost>',
  `RCPT TO:<${to}>`,
  'DATA',
  `From: Clientele <shop@clientele.localhost>\r\nTo: ${to}\r\nSubject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${body}\r\n.`,
  'QUIT',
]

describe('The development mail server', () => {
  let mail: ServiceHandle
  let smtpPort = 0
  const messages = async (query = '') => (await (await fetch(`${mail.url}/messages${query}`)).json()) as CaughtMessage[]

  beforeAll(async () => {
    const [smtp = 0, http = 0] = await freePorts(2)
    smtpPort = smtp
    mail = await startMail({ smtpPort: smtp, httpPort: http })
  })
  afterAll(() => mail.stop())
  beforeEach(() => fetch(`${mail.url}/messages`, { method: 'DELETE' }))

  it('GET /messages returns a caught mail decoded, with its complete links', async () => {
    await sendSmtp(
      smtpPort,
      mailTo('Ana@example.com', '<a href=3D"http://localhost/reset?key=3Dabc&amp;tab=3D1">reset</a>'),
    )
    expect(await messages()).toMatchObject([
      {
        to: ['ana@example.com'],
        from: 'shop@clientele.localhost',
        subject: 'Grüße',
        links: ['http://localhost/reset?key=abc&tab=1'],
      },
    ])
  })

  it('GET and DELETE /messages?to= apply to one recipient only', async () => {
    await sendSmtp(smtpPort, mailTo('ana@example.com', 'one'))
    await sendSmtp(smtpPort, mailTo('bob@example.com', 'two'))
    expect((await messages('?to=ANA@example.com')).map(({ to }) => to)).toEqual([['ana@example.com']])
    await fetch(`${mail.url}/messages?to=ana@example.com`, { method: 'DELETE' })
    expect((await messages()).map(({ to }) => to)).toEqual([['bob@example.com']])
  })

  it('a page of another name that leads to this machine cannot read mails', async () => {
    const statusFor = (host: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const request = get(`${mail.url}/messages`, { headers: { host } }, ({ statusCode }) => resolve(statusCode))
        request.on('error', reject)
      })
    expect(await statusFor('127.0.0.1:8025')).toBe(200)
    expect(await statusFor('evil.example:8025')).toBe(421)
  })

  it('the page shows a mail without executing its scripts', async () => {
    await sendSmtp(smtpPort, mailTo('ana@example.com', '<p>hello</p><script>alert(1)</script>'))
    const page = await fetch(`${mail.url}/`)
    const html = await page.text()
    expect(html).toContain('Grüße')
    expect(html).not.toContain('<script')
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  })

  it('a text message that is posted is listed and shown on the page', async () => {
    const post = (body: unknown, type = 'application/json') =>
      fetch(`${mail.url}/texts`, { method: 'POST', headers: { 'content-type': type }, body: JSON.stringify(body) })
    const text = { to: '+254711000111', from: 'Duka', text: 'Ana, <b>thank</b> you: https://duka.example/o/1' }
    expect((await post(text)).status).toBe(204)
    expect(await messages('?to=%2B254711000111')).toMatchObject([
      { kind: 'sms', from: 'Duka', to: [text.to], text: text.text, links: ['https://duka.example/o/1'] },
    ])
    const html = await (await fetch(`${mail.url}/`)).text()
    expect(html).toContain('<h2>SMS</h2>')
    expect(html).toContain('Ana, &lt;b&gt;thank')
    expect((await post({ to: 'nobody' })).status).toBe(400)
    expect((await post(text, 'text/plain')).status).toBe(400)
    expect((await post({ ...text, text: 'x'.repeat(30_000) })).status).toBe(400)
    expect(await messages()).toHaveLength(1)
  })

  it('the mail server refuses a mail over 1 MB and keeps running', async () => {
    const replies = await sendSmtp(smtpPort, mailTo('ana@example.com', `${'x'.repeat(76)}\r\n`.repeat(14_500)))
    expect(replies.some((reply) => reply.startsWith('552'))).toBe(true)
    await sendSmtp(smtpPort, mailTo('ana@example.com', 'small'))
    expect(await messages()).toHaveLength(1)
  })
})
