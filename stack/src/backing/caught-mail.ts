/** A mail as `GET /messages` returns it, newest first. `links` are the http(s) URLs in its text and HTML. */
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
