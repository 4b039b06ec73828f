// A control plane of its own for checks with the real Azure CLI: in a folder of its own, on loopback, with a gateway
// that accepts every program, or refuses it with a message. No packet is judged here.

import { join } from 'node:path';
import { startControlPlane } from '#control/control-plane.ts';
import { ControlClient } from '#gateway/control-client.ts';

export interface PlayedControlPlane extends AsyncDisposable {
  readonly url: string;
  readonly stateDir: string;
  /** How many programs the gateway has accepted. */
  readonly accepted: () => number;
  /** What the gateway does from now on: accept, refuse with this message, or take its time. */
  answerWith(answer: { readonly refusal?: string; readonly delayMs?: number }): void;
}

export async function playControlPlane(stateDir: string): Promise<PlayedControlPlane> {
  const control = await startControlPlane({ stateDir });
  let accepted = 0;
  let answer: { readonly refusal?: string; readonly delayMs?: number } = {};
  const gateway = new ControlClient({
    path: join(stateDir, 'gateway.sock'),
    firewall: '',
    apply: async () => {
      const { refusal, delayMs = 0 } = answer;
      await new Promise(resolve => setTimeout(resolve, delayMs));
      if (refusal !== undefined) throw new Error(refusal);
      accepted += 1;
    },
  });
  return {
    url: control.url,
    stateDir,
    accepted: () => accepted,
    answerWith: next => {
      answer = next;
    },
    [Symbol.asyncDispose]: async () => {
      gateway.close();
      await control.close();
    },
  };
}
