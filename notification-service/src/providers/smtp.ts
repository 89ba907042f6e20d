import { type Outcome, type Provider, plainReason } from './provider.ts'

type Options = { url: string; from: string; timeoutMs: number }

const connectMs = 5_000

/** What nodemailer tells of a failure: its own `code`, the system's as `originalCode`, the server's reply as `responseCode`. */
type Fault = {
  code?: unknown
  originalCode?: unknown
  syscall?: unknown
  timeoutType?: unknown
  responseCode?: unknown
}

// Before the envelope was ever sent.
const early = ['EDNS', 'ETLS', 'EREQUIRETLS', 'EAUTH', 'ENOAUTH', 'EOAUTH2', 'EPROXY', 'ECONFIG']
const unconnected = ['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN']
const setUp = ['CONNECT_TIMEOUT', 'GREETING_TIMEOUT', 'UPGRADE_TIMEOUT']

/** A rejected login is put right by a person, so the mail waits; any other 5xx is the server's last word (RFC 5321, section 4.2.1). */
const outcomeOfFault = ({ code, originalCode, syscall, timeoutType, responseCode }: Fault): Outcome => {
  const reason = plainReason(typeof responseCode === 'number' ? `smtp_${responseCode}` : String(originalCode ?? code))
  const before =
    early.includes(String(code)) ||
    unconnected.includes(String(originalCode ?? code)) ||
    syscall === 'connect' ||
    setUp.includes(String(timeoutType))
  if (before) return { kind: 'not_taken', reason }
  if (typeof responseCode === 'number') return { kind: responseCode >= 500 ? 'refused' : 'not_taken', reason }
  // An envelope that nodemailer itself does not take.
  return { kind: code === 'EENVELOPE' ? 'refused' : 'unknown', reason }
}

const domainOf = (from: string): string => /@([^@>\s]+)>?$/.exec(from)?.[1] ?? 'localhost'

/** E-mail by SMTP, as plain text. */
export const createSmtp = ({ url, from, timeoutMs }: Options): Provider => {
  const open = async () => {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      url,
      connectionTimeout: connectMs,
      greetingTimeout: connectMs,
      dnsTimeout: connectMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }
  // Loaded with the first mail.
  let opened: ReturnType<typeof open> | undefined

  return {
    name: 'smtp',
    channel: 'email',
    send: async ({ id, to, subject, text }, signal) => {
      opened ??= open()
      const transport = await opened
      const mail = {
        from,
        // An object is one address, whatever it holds.
        to: { name: '', address: to },
        subject,
        text,
        messageId: `<${id}@${domainOf(from)}>`,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      }
      return transport.sendMail(mail).then(
        ({ messageId }): Outcome => ({ kind: 'taken', messageId, cost: null }),
        (error: Fault) => outcomeOfFault(error),
      )
    },
    close: async () => (await opened)?.close(),
  }
}
