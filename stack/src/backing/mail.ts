import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createHostCheck } from '@clientele/platform/http/known-host'
import PostalMime from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import type { CaughtMail } from './caught-mail.ts'
import { mailPage } from './mail-page.ts'
import type { ServiceHandle } from './postgres.ts'

export type MailOptions = {
  smtpPort: number
  httpPort: number
  /** The address to listen on; default: loopback. */
  host?: string
  /** More addresses to listen on for SMTP. */
  extraSmtpHosts?: string[]
}

const maxMails = 200
const maxBytes = 1 << 20

/**
 * Starts a mail server for development. It accepts every mail over SMTP, delivers none, and keeps the newest 200. `url` shows
 * them as a page; `GET` and `DELETE <url>/messages?to=<address>` list and remove them.
 */
export const startMail = async ({
  smtpPort,
  httpPort,
  host = '127.0.0.1',
  extraSmtpHosts = [],
}: MailOptions): Promise<ServiceHandle> => {
  const mails: CaughtMail[] = []
  const hosts = [host, ...extraSmtpHosts]
  const smtps = hosts.map(() => smtpServer(mails))
  const web = createServer((request, response) => serve(mails, request, response))
  await Promise.all([
    ...smtps.map((smtp, index) => listen((ready) => smtp.listen(smtpPort, hosts[index], ready), smtp.server)),
    listen((ready) => web.listen(httpPort, host, ready), web),
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
        parseMail(Buffer.concat(chunks), to, nextId++).then((mail) => {
          mails.unshift(mail)
          mails.length = Math.min(mails.length, maxMails)
          done()
        }, done)
      })
    },
  })
  // A client that disconnects while it sends a mail.
  smtp.on('error', () => undefined)
  return smtp
}

const listen = (listen: (ready: () => void) => unknown, emitter: NodeJS.EventEmitter): Promise<void> =>
  new Promise((resolve, reject) => {
    emitter.once('error', reject)
    listen(resolve)
  })

const parseMail = async (raw: Buffer, to: string[], id: number): Promise<CaughtMail> => {
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

// The page shows links that reset passwords, so no other name may lead to it.
const isKnownHost = createHostCheck([])

const serve = (mails: CaughtMail[], request: IncomingMessage, response: ServerResponse): void => {
  if (!isKnownHost(request.headers.host ?? '')) return void response.writeHead(421).end('unknown host\n')
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
