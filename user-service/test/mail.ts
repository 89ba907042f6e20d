import { testEnv } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'

/** A mail that the development mail server caught. */
export type Mail = { subject: string; to: string[]; links: string[]; text: string }

/** Mails to an address, newest first. */
export const mailsTo = async (address: string): Promise<Mail[]> => {
  const response = await fetch(`${testEnv('TEST_MAIL_URL')}/messages?to=${encodeURIComponent(address)}`, {
    signal: AbortSignal.timeout(10_000),
  })
  return (await response.json()) as Mail[]
}

/** The link to Keycloak in the newest mail to an address; waits for it. */
export const linkMailedTo = (address: string): Promise<string> =>
  eventually(
    async () => {
      const link = (await mailsTo(address))[0]?.links.find((each) => each.includes('/login-actions/'))
      if (!link) throw new Error(`no link was mailed to ${address}`)
      return link
    },
    { timeoutMs: 15_000 },
  )

/** A browser as far as Keycloak's pages need one: cookies, redirects, forms. */
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
    // The console at the end of the way need not run.
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
