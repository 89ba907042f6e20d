import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import PostalMime from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import type { CaughtMail } from './caught-mail.ts'
import { mailPage } from './mail-page.ts'
import type { Running } from './postgres.ts'

export type MailOptions = {
  smtpPort: number
  httpPort: number
  /** Where to listen; loopback without it. */
  host?: string
  /** Further addresses for SMTP besides loopback. */
  alsoOn?: string[]
}

const maxMails = 200
const maxBytes = 1 << 20

/** A development mail server: takes every mail, sends none on, and shows them at `url`. */
export const startMail = async ({
  smtpPort,
  httpPort,
  host = '127.0.0.1',
  alsoOn = [],
}: MailOptions): Promise<Running> => {
  const mails: CaughtMail[] = []
  const hosts = [host, ...alsoOn]
  const smtps = hosts.map(() => smtpServer(mails))
  const web = createServer((request, response) => serve(mails, request, response))
  await Promise.all([
    ...smtps.map((smtp, index) => listening((ready) => smtp.listen(smtpPort, hosts[index], ready), smtp.server)),
    listening((ready) => web.listen(httpPort, host, ready), web),
  ])
  const stop = async () => {
    web.closeAllConnections()
    const closing = smtps.map((smtp) => new Promise<void>((done) => smtp.close(() => done())))
    await Promise.all([...closing, new Promise<void>((done) => web.close(() => done()))])
  }
  return { url: `http://localhost:${httpPort}`, stop }
}

let nextId = 1

const smtpServer = (mails: CaughtMail[]): SMTPServer => {
  const smtp = new SMTPServer({
    disabledCommands: ['AUTH', 'STARTTLS'],
    size: maxBytes,
    logger: false,
    maxClients: 50,
    socketTimeout: 20_000,
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      let bytes = 0
      stream.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= maxBytes) chunks.push(chunk)
      })
      stream.once('end', () => {
        if (bytes > maxBytes) return done(Object.assign(new Error('message too large'), { responseCode: 552 }))
        const to = session.envelope.rcptTo.map((recipient) => recipient.address.toLowerCase())
        read(Buffer.concat(chunks), to, nextId++).then((mail) => {
          mails.unshift(mail)
          mails.length = Math.min(mails.length, maxMails)
          done()
        }, done)
      })
    },
  })
  // A client that goes away in mid-mail is no fault of ours.
  smtp.on('error', () => undefined)
  return smtp
}

const listening = (listen: (ready: () => void) => unknown, emitter: NodeJS.EventEmitter): Promise<void> =>
  new Promise((resolve, reject) => {
    emitter.once('error', reject)
    listen(resolve)
  })

const read = async (raw: Buffer, to: string[], id: number): Promise<CaughtMail> => {
  const mail = await PostalMime.parse(raw)
  const text = mail.text ?? ''
  const html = mail.html ?? ''
  const found = `${text}\n${html.replaceAll('&amp;', '&')}`.match(/https?:\/\/[^\s"'<>]+/g) ?? []
  const from = mail.from?.address ?? ''
  return {
    id,
    receivedAt: new Date().toISOString(),
    from,
    to,
    subject: mail.subject ?? '',
    text,
    html,
    links: [...new Set(found)],
  }
}

const serve = (mails: CaughtMail[], request: IncomingMessage, response: ServerResponse): void => {
  const url = new URL(request.url ?? '/', 'http://mail')
  const to = url.searchParams.get('to')?.toLowerCase()
  const chosen = to ? mails.filter((mail) => mail.to.includes(to)) : mails
  const json = (body: unknown) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  if (url.pathname === '/messages' && request.method === 'GET') return void json(chosen)
  if (url.pathname === '/messages' && request.method === 'DELETE') {
    const kept = mails.filter((mail) => !chosen.includes(mail))
    mails.splice(0, mails.length, ...kept)
    return void response.writeHead(204).end()
  }
  if (url.pathname !== '/') return void response.writeHead(404).end()
  response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  response.setHeader('content-type', 'text/html; charset=utf-8').end(mailPage(chosen))
}
