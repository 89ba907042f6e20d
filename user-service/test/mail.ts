import { testEnv } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'

/** A mail that the mail catcher of the test run received. */
export type Mail = { subject: string; to: string[]; links: string[]; text: string }

/** Mails to an address, newest first. */
export const mailsTo = async (address: string): Promise<Mail[]> => {
  const response = await fetch(`${testEnv('TEST_MAIL_URL')}/messages?to=${encodeURIComponent(address)}`, {
    signal: AbortSignal.timeout(10_000),
  })
  return (await response.json()) as Mail[]
}

/** Waits for a mail to an address, and returns its link to Keycloak. */
export const linkMailedTo = (address: string): Promise<string> =>
  eventually(
    async () => {
      const link = (await mailsTo(address))[0]?.links.find((each) => each.includes('/login-actions/'))
      if (!link) throw new Error(`no link was mailed to ${address}`)
      return link
    },
    { timeoutMs: 15_000 },
  )

/** Waits for a mail to an address with a link that changes it, and returns the newest link's token. */
export const tokenMailedTo = (address: string): Promise<string> =>
  eventually(
    async () => {
      const links = (await mailsTo(address)).flatMap((mail) => mail.links)
      const token = links.map((link) => /\/email-[a-z]+#([\w-]+)$/.exec(link)?.[1]).find((each) => each !== undefined)
      if (!token) throw new Error(`no link was mailed to ${address}`)
      return token
    },
    { timeoutMs: 15_000 },
  )

/** A minimal browser for Keycloak's pages: it handles cookies, redirects and forms. */
export const browser = () => {
  const cookies = new Map<string, string>()

  const request = async (url: string, init: RequestInit = {}, hops = 0): Promise<{ url: string; html: string }> => {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...init.headers, cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      signal: AbortSignal.timeout(20_000),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    const next = location === null ? undefined : new URL(location, url)
    // The last redirect leads to the console, which does not run here.
    if (next && hops < 10 && next.origin === new URL(url).origin) return request(next.href, {}, hops + 1)
    return { url: next?.href ?? url, html: await response.text() }
  }

  const attribute = (tag: string, name: string): string =>
    (new RegExp(`${name}="([^"]*)"`).exec(tag)?.[1] ?? '').replaceAll('&amp;', '&')

  return {
    open: (url: string) => request(url),
    /** Follows the first link whose address or text matches. */
    follow: async (page: { url: string; html: string }, pattern: RegExp) => {
      const anchor = [...page.html.matchAll(/<a\b[^>]*>[\s\S]*?<\/a>/g)]
        .map(([tag]) => tag)
        .find((tag) => pattern.test(tag))
      if (!anchor) throw new Error(`no link ${pattern} on the page`)
      return request(new URL(attribute(anchor, 'href'), page.url).href)
    },
    /** Fills in the page's form. */
    submit: async (page: { url: string; html: string }, fields: Record<string, string>) => {
      const form = /<form\b[^>]*>/.exec(page.html)?.[0]
      if (!form) throw new Error('no form on the page')
      return request(new URL(attribute(form, 'action'), page.url).href, {
        method: 'POST',
        body: new URLSearchParams(fields),
      })
    },
  }
}
