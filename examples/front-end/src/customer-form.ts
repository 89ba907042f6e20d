import { type Clientele, ClienteleError, type Customer } from '@clientele/client'
import { find, messageOf } from './page.ts'

const fields = ['name', 'surname', 'email', 'phone'] as const

/** The form that creates and changes a customer. `onSaved` is called after each. */
export const createCustomerForm = (clientele: Clientele, onSaved: () => void) => {
  const dialog = find('#customer', HTMLDialogElement)
  const form = find('form', HTMLFormElement, dialog)
  const save = find('#save', HTMLButtonElement)
  const progress = find('#progress', HTMLProgressElement)
  const input = (name: string) => find(`input[name=${name}]`, HTMLInputElement, form)
  let customer: Customer | undefined
  let uploaded: { file: File; id: string } | undefined

  const showError = (field: string, message: string): void => {
    find(`#${field}-error`, HTMLElement, form).textContent = message
    if (field !== 'form') input(field).setAttribute('aria-invalid', String(message !== ''))
  }

  /** Shows the errors of a 422 or 409 at their fields: `/email` is the input `email`. */
  const showErrors = (error: unknown): void => {
    const errors = error instanceof ClienteleError ? error.errors : []
    const shown = errors.filter(({ pointer, message }) => {
      const field = fields.find((name) => pointer === `/${name}`)
      if (field) showError(field, message)
      return field !== undefined
    })
    const isStale = error instanceof ClienteleError && error.code === 'precondition_failed'
    if (isStale) showError('form', 'Somebody else has changed this customer. Close the form and open it again.')
    else if (shown.length === 0) showError('form', messageOf(error))
  }

  /** Uploads a photo with its progress, unless that file has been uploaded. @returns its id */
  const upload = async (file: File): Promise<string> => {
    if (uploaded?.file === file) return uploaded.id
    progress.hidden = false
    const { id } = await clientele.media.upload(
      { file },
      {
        onProgress: ({ sentBytes, totalBytes }) => {
          progress.value = sentBytes / totalBytes
        },
      },
    )
    uploaded = { file, id }
    return id
  }

  const submit = async (): Promise<void> => {
    for (const field of [...fields, 'form']) showError(field, '')
    save.disabled = true
    try {
      const photo = input('photo').files?.[0]
      const body = {
        name: input('name').value,
        surname: input('surname').value,
        email: input('email').value || null,
        phone: input('phone').value || null,
        ...(photo && { photoMediaId: await upload(photo) }),
      }
      await (customer
        ? clientele.customers.update(customer.id, body, { ifMatch: customer.version })
        : clientele.customers.create(body))
      dialog.close()
      onSaved()
    } catch (error) {
      showErrors(error)
    } finally {
      save.disabled = false
      progress.hidden = true
    }
  }

  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit()
  })
  for (const field of fields) input(field).addEventListener('input', () => showError(field, ''))
  find('#cancel', HTMLButtonElement).addEventListener('click', () => dialog.close())

  return {
    /** Opens the form for a customer, or for a new one. */
    open: (existing?: Customer): void => {
      customer = existing
      form.reset()
      for (const field of [...fields, 'form']) showError(field, '')
      find('#title', HTMLElement).textContent = existing ? `Customer ${existing.code}` : 'New customer'
      for (const field of fields) input(field).value = existing?.[field] ?? ''
      dialog.showModal()
    },
  }
}
