import { html } from './html.ts'
import { layout } from './layout.ts'

const pages = {
  confirmation: {
    title: 'Confirm your e-mail address',
    text: 'The address that the link was mailed to becomes the address of your account.',
    button: 'Confirm the address',
    done: 'The address is confirmed.',
    path: '/v1/auth/email-confirmations',
  },
  restoration: {
    title: 'Restore your e-mail address',
    text: 'The address that the link was mailed to becomes the address of your account again. A password that was set since the change is removed, and all sessions end.',
    button: 'Restore the address',
    done: 'The address is restored, and all sessions have ended. If the password was removed, you get a mail to set a new one.',
    path: '/v1/auth/email-restorations',
  },
}

/** The pages to which mailed links lead. Opening one changes nothing, since mail programs open links too: the button does. */
export const emailLinkPage = (kind: keyof typeof pages): string => {
  const { title, text, button, done, path } = pages[kind]
  return layout({
    title: `${title} · Clientele`,
    scripts: ['/assets/email-link.js'],
    main: html`<section class="hero">
<h1>${title}</h1>
<p>${text}</p>
<p class="actions"><button class="button" id="follow" type="button" data-path="${path}" data-done="${done}">${button}</button></p>
<p id="outcome" role="status"></p>
<noscript><p>This page needs JavaScript.</p></noscript>
</section>`,
  })
}
