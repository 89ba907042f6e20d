import { userCreated } from '@clientele/contracts/user'
import { eventActor } from '@clientele/platform/auth/token-verifier'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { SignUps } from '../customers/customer.sign-up.ts'

/** Creates a customer for a new user, if the user asked for one at sign-up (`createCustomer`). */
export const signUpConsumer = ({ signUps }: { signUps: SignUps }) =>
  consumer({
    queue: 'customer-service.sign-ups',
    events: [userCreated],
    handle: async ({ subject, data }, tx) => {
      if (!data.createCustomer) return
      const { name, surname, email, displayName } = data
      await signUps.createFor({ userId: subject, name, surname, email, displayName }, eventActor(data.actor), tx)
    },
  })
