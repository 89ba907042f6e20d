/** A caught mail, newest first in `GET /messages`. `links` are the http(s) addresses of its text and HTML. */
export type CaughtMail = {
  id: number
  receivedAt: string
  from: string
  to: string[]
  subject: string
  text: string
  html: string
  links: string[]
}
