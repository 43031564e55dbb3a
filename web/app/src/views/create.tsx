/** Making an identity. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Button, Failure } from "../parts/basics.js";
import { Form, SecretField, TextField } from "../parts/fields.js";
import { useModel } from "../state/model.js";
import { strengthOf, suggest } from "../state/passphrase.js";
import { useWork } from "../state/work.js";
import { t } from "../texts/index.js";
import { Front } from "./front.js";

/** What the SDK takes as a name. */
const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._-]{0,63}$/u;

export function Create({ onBack, taken }: { onBack: () => void; taken: readonly string[] }): JSX.Element {
  const model = useModel();
  const [name, setName] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const [suggested, setSuggested] = useState(false);
  const [tried, setTried] = useState(false);
  const create = useWork(async () => {
    await model.create({ ...(name.trim() !== "" && { name: name.trim() }), passphrase, ...(model.storage.get()?.lost === true && { anyway: true }) });
  });
  const wrong = {
    name: name.trim() !== "" && !NAME.test(name.trim()) ? t.create.nameBad : taken.includes(name.trim()) ? t.create.nameTaken : undefined,
    passphrase: strengthOf(passphrase) === 0 ? t.create.tooWeak : undefined,
    again: !suggested && again !== passphrase ? t.create.differs : undefined,
  };
  const submit = (): void => {
    setTried(true);
    if (Object.values(wrong).every((w) => w === undefined) && !create.busy) void create.run();
  };
  return (
    <Front title={t.create.title} onBack={onBack}>
      <p class="soft">{t.create.lead}</p>
      <Form label={t.create.title} onSubmit={submit}>
        <TextField label={`${t.create.name} (${t.common.optional})`} value={name} onValue={setName} hint={t.create.nameHint} wrong={wrong.name} autocomplete="username" />
        <SecretField label={t.create.passphrase} value={passphrase} shown={suggested} autocomplete="new-password"
          onValue={(v) => { setPassphrase(v); setSuggested(false); }} hint={suggested ? t.create.suggested : t.create.passphraseHint} wrong={tried ? wrong.passphrase : undefined} />
        <div class="strength-line">
          <Strength passphrase={passphrase} />
          <Button kind="quiet" onClick={() => { setPassphrase(suggest()); setSuggested(true); }}>{t.create.suggest}</Button>
        </div>
        {!suggested && <SecretField label={t.create.again} value={again} onValue={setAgain} autocomplete="new-password" wrong={tried ? wrong.again : undefined} />}
        <Failure error={create.error} />
        <div class="row">
          <Button kind="primary" type="submit" busy={create.busy}>{create.busy ? t.create.busy : t.create.go}</Button>
        </div>
      </Form>
    </Front>
  );
}

/** How hard the passphrase is to guess, in bars and in words. */
function Strength({ passphrase }: { passphrase: string }): JSX.Element {
  const level = strengthOf(passphrase);
  return (
    <div class="strength">
      <span class={`bars bars-${passphrase === "" ? "none" : level}`} aria-hidden="true"><i /><i /><i /><i /></span>
      <span class="small soft" role="status" aria-label={t.create.strengthLabel}>{passphrase === "" ? "" : t.create.strength[level]}</span>
    </div>
  );
}
