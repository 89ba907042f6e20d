type MailerConfig = { smtpUrl?: string | undefined; mailFrom?: string | undefined }
type Mail = { to: string; subject: string; text: string }

/** Sends a mail. Rejects if the mail server does not accept it. */
export type Mailer = (mail: Mail) => Promise<void>

const connectTimeoutMs = 5_000
const timeoutMs = 20_000

/** Sends the mails that Keycloak has no text for, as plain text. @returns undefined without a mail server */
export const createMailer = ({ smtpUrl, mailFrom }: MailerConfig): Mailer | undefined => {
  if (smtpUrl === undefined || mailFrom === undefined) return undefined
  const openTransport = async () => {
    const { createTransport } = await import('nodemailer')
    return createTransport({
      url: smtpUrl,
      connectionTimeout: connectTimeoutMs,
      greetingTimeout: connectTimeoutMs,
      dnsTimeout: connectTimeoutMs,
      socketTimeout: timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
  }
  // nodemailer is loaded with the first mail.
  let opened: ReturnType<typeof openTransport> | undefined

  return async ({ to, subject, text }) => {
    opened ??= openTransport()
    const transport = await opened
    // nodemailer would split a string at commas; an object is always one address.
    const address = { name: '', address: to }
    await transport.sendMail({ from: mailFrom, to: address, subject, text, signal: AbortSignal.timeout(timeoutMs) })
  }
}
