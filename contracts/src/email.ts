import { z } from 'zod'

// What HTML forms and mail servers take, without quoted local parts (RFC 5322, dot-atom). Spaces, quotes, commas and angle brackets,
// at which headers of mails are split, are not part of it.
const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
// At most 64 characters before the @ (RFC 5321, section 4.5.3.1), and 63 in each label of the domain (RFC 1035).
const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
const topLevel = '(?:[A-Za-z]{2,63}|[Xx][Nn]--[A-Za-z0-9-]{0,58}[A-Za-z0-9])'
const pattern = `^(?=[^@]{1,64}@)${atom}(?:\\.${atom})*@(?:${label}\\.)+${topLevel}$`
const mailbox = new RegExp(pattern)

const ascii = /^\p{ASCII}*$/u
// Letters, marks and digits of all scripts, hyphens and the full stops of all scripts. Anything else is no host of a URL, or ends it.
const unicodeDomain = /^[\p{L}\p{M}\p{N}.\u3002\uff0e\uff61-]+$/u

/** Writes the domain of an address in ASCII (RFC 5891). A domain that has no such form is returned unchanged. */
const withAsciiDomain = (address: string): string => {
  if (ascii.test(address)) return address
  const [, local = '', domain = ''] = /^([^@]*@)(.*)$/s.exec(address) ?? []
  const url = unicodeDomain.test(domain) ? URL.parse(`http://${domain}`) : null
  return url === null ? address : local + url.hostname
}

/**
 * The form in which an e-mail address is stored and looked up: trimmed, in lower case, its domain in ASCII. `Ana@Bücher.example`
 * becomes `ana@xn--bcher-kva.example`. Text that is no address is trimmed and lower-cased.
 */
export const normaliseEmail = (text: string): string => withAsciiDomain(text.trim().toLowerCase())

/** An e-mail address as {@link normaliseEmail} returns it; at most 254 characters (RFC 5321). */
export const email = z
  .string()
  .max(254)
  .overwrite(normaliseEmail)
  .pipe(z.email({ pattern: mailbox, error: 'must be an e-mail address such as ana@example.com' }).max(254))
  .meta({
    example: 'ana@example.com',
    format: 'email',
    pattern,
    description:
      'An e-mail address, stored in lower case. A domain with other letters than ASCII is accepted and stored in its ASCII form: `bücher.example` as `xn--bcher-kva.example`.',
  })

/** A username as it was typed, but an e-mail address in the form in which accounts have it. */
export const asSignInName = (typed: string): string => {
  const address = normaliseEmail(typed)
  return !ascii.test(typed) && mailbox.test(address) ? address : typed
}
