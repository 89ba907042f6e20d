import type { Customer } from '@clientele/contracts/customer'

/** The name of a customer as other records show it: name and surname, or the code of a customer without both. */
export const customerDisplayName = ({ name, surname, code }: Pick<Customer, 'name' | 'surname' | 'code'>): string =>
  [name, surname].filter((part) => part).join(' ') || code
