import { startMail } from './backing/mail.ts'

// Listens on all addresses, because other containers send mail here. Compose publishes the page on loopback only.
const mail = await startMail({ smtpPort: 1025, httpPort: 8025, host: '0.0.0.0' })
console.log(`caught mail: ${mail.url}`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void mail.stop())
