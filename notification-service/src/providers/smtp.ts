import { type Outcome, type Provider, shortReason } from './provider.ts'

type Options = { url: string; from: string; timeoutMs: number }

const connectTimeoutMs = 5_000

/** An error of nodemailer: its own `code`, the system's `originalCode`, and the `responseCode` of the server's reply. */
type SmtpError = {
  code?: unknown
  originalCode?: unknown
  syscall?: unknown
  timeoutType?: unknown
  responseCode?: unknown
}

// Errors that happen before the envelope is sent.
const earlyCodes = ['EDNS', 'ETLS', 'EREQUIRETLS', 'EAUTH', 'ENOAUTH', 'EOAUTH2', 'EPROXY', 'ECONFIG']
const connectionCodes = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN']
const setUpTimeouts = ['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT']

/** Failed authentication is retried, because an operator can correct it. Any other 5xx reply is permanent (RFC 5321, section 4.2.1). */
const outcomeOfError = ({ code, originalCode, syscall, timeoutType, responseCode }: SmtpError): Outcome => {
  const reason = shortReason(typeof responseCode === 'number' ? `smtp_${responseCode}` : String(originalCode ?? code))
  const before =
    earlyCodes.includes(String(code)) ||
    connectionCodes.includes(String(originalCode ?? code)) ||
    syscall === 'connect' ||
    setUpTimeouts.includes(String(timeoutType))
  if (before) return { kind: 'not_accepted', reason }
  if (typeof responseCode === 'number') return { kind: responseCode >= 500 ? 'rejected' : 'not_accepted', reason }
  // EENVELOPE without a reply: nodemailer itself rejected the address.
  return { kind: code === 'EENVELOPE' ? 'rejected' : 'unknown', reason }
}

const domainOf = (from: string): string => /@([^@>\s]+)>?$/.exec(from)?.[1] ?? 'localhost'

/** Sends e-mail by SMTP, as plain text. */
export const createSmtp = ({ url, from, timeoutMs }: Options): Provider => {
  const openTransport = async () => {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      url,
      connectionTimeout: connectTimeoutMs,
      greetingTimeout: connectTimeoutMs,
      dnsTimeout: connectTimeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }
  // nodemailer is loaded with the first e-mail.
  let opened: ReturnType<typeof openTransport> | undefined

  return {
    name: 'smtp',
    channel: 'email',
    send: async ({ id, to, subject, text }, signal) => {
      opened ??= openTransport()
      const transport = await opened
      const mail = {
        from,
        // nodemailer would split a string at commas; an object is always one address.
        to: { name: '', address: to },
        subject,
        text,
        messageId: `<${id}@${domainOf(from)}>`,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      }
      return transport.sendMail(mail).then(
        ({ messageId }): Outcome => ({ kind: 'accepted', messageId, cost: null }),
        (error: SmtpError) => outcomeOfError(error),
      )
    },
    close: async () => (await opened)?.close(),
  }
}
