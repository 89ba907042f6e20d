import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createHostCheck } from '@clientele/platform/http/known-host'
import PostalMime from 'postal-mime'
import { SMTPServer } from 'smtp-server'
import type { CaughtMessage } from './caught-message.ts'
import { linksIn, readText } from './caught-text.ts'
import { mailPage } from './mail-page.ts'
import type { ServiceHandle } from './postgres.ts'

export type MailOptions = {
  smtpPort: number
  httpPort: number
  /** The address to listen on; default: loopback. */
  host?: string
  /** More addresses to listen on for SMTP. */
  extraSmtpHosts?: string[]
  /** The names, besides `localhost`, by which the page may be called. */
  names?: string[]
}

const maxMessages = 200
const maxBytes = 1 << 20

/**
 * Starts a mail server for development. It accepts every mail over SMTP and every text message at `POST <url>/texts`, delivers
 * none, and keeps the newest 200. `url` shows them as a page; `GET` and `DELETE <url>/messages?to=<address>` list and remove them.
 */
export const startMail = async ({
  smtpPort,
  httpPort,
  host = '127.0.0.1',
  extraSmtpHosts = [],
  names = [],
}: MailOptions): Promise<ServiceHandle> => {
  const messages: CaughtMessage[] = []
  const hosts = [host, ...extraSmtpHosts]
  const smtps = hosts.map(() => smtpServer(messages))
  // The page shows links that reset passwords, so no other name may lead to it.
  const isKnownHost = createHostCheck(names)
  const web = createServer((request, response) => {
    if (!isKnownHost(request.headers.host ?? '')) return void response.writeHead(421).end('unknown host\n')
    serve(messages, request, response)
  })
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

const keep = (messages: CaughtMessage[], message: CaughtMessage): void => {
  messages.unshift(message)
  messages.length = Math.min(messages.length, maxMessages)
}

const smtpServer = (messages: CaughtMessage[]): SMTPServer => {
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
        parseMail(Buffer.concat(chunks), to).then((mail) => {
          keep(messages, { id: nextId++, ...mail })
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

const parseMail = async (raw: Buffer, to: string[]): Promise<Omit<CaughtMessage, 'id'>> => {
  const mail = await PostalMime.parse(raw)
  const text = mail.text ?? ''
  const html = mail.html ?? ''
  const from = mail.from?.address ?? ''
  return {
    kind: 'mail',
    receivedAt: new Date().toISOString(),
    from,
    to,
    subject: mail.subject ?? '',
    text,
    html,
    links: linksIn(`${text}\n${html.replaceAll('&amp;', '&')}`),
  }
}

const serve = (messages: CaughtMessage[], request: IncomingMessage, response: ServerResponse): void => {
  const url = new URL(request.url ?? '/', 'http://mail')
  const to = url.searchParams.get('to')?.toLowerCase()
  const chosen = to ? messages.filter((message) => message.to.includes(to)) : messages
  const json = (body: unknown) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  if (url.pathname === '/messages' && request.method === 'GET') return void json(chosen)
  if (url.pathname === '/messages' && request.method === 'DELETE') {
    const kept = messages.filter((message) => !chosen.includes(message))
    messages.splice(0, messages.length, ...kept)
    return void response.writeHead(204).end()
  }
  if (url.pathname === '/texts' && request.method === 'POST') return void catchText(messages, request, response)
  if (url.pathname !== '/') return void response.writeHead(404).end()
  response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'")
  response.setHeader('content-type', 'text/html; charset=utf-8').end(mailPage(chosen))
}

const catchText = async (messages: CaughtMessage[], request: IncomingMessage, response: ServerResponse) => {
  const text = await readText(request)
  if (!text) return response.writeHead(400).end('post {"to", "from", "text"} as application/json\n')
  keep(messages, { id: nextId++, ...text })
  response.writeHead(204).end()
}
