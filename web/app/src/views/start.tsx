/** Before anybody is unlocked: what this is, and the ways in. */

import type { StoredIdentity } from "@recrypt-service/sdk";
import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Button, Failure, Notice } from "../parts/basics.js";
import { Form, SecretField, SelectField } from "../parts/fields.js";
import { Icon, Mark, type IconName } from "../parts/icon.js";
import { useModel, type Why } from "../state/model.js";
import { useStore } from "../state/store.js";
import { useWork } from "../state/work.js";
import { t } from "../texts/index.js";
import { Create } from "./create.js";
import { Front } from "./front.js";
import { Restore } from "./restore.js";

type Way = "welcome" | "unlock" | "create" | "restore";

export function Start({ identities, locked }: { identities: readonly StoredIdentity[]; locked: Why | undefined }): JSX.Element {
  const [chosen, setWay] = useState<Way>();
  // Not chosen once and for all: another tab can remove the last one.
  const way = chosen ?? (identities.length > 0 ? "unlock" : "welcome");
  const back = (): void => { setWay(undefined); };
  switch (way) {
    case "welcome":
      return <Welcome locked={locked} onWay={setWay} />;
    case "unlock":
      return <Unlock identities={identities} locked={locked} onWay={setWay} />;
    case "create":
      return <Create onBack={back} taken={identities.map((i) => i.name)} />;
    case "restore":
      return <Restore onBack={back} />;
  }
}

const stepIcons: readonly IconName[] = ["lock", "sharing", "shield"];

function Welcome({ locked, onWay }: { locked: Why | undefined; onWay: (way: Way) => void }): JSX.Element {
  const storage = useStore(useModel().storage);
  return (
    <Front title={t.start.title} wide>
      {locked !== undefined && <Notice>{t.start.locked[locked]}</Notice>}
      <p class="lead">{t.start.lead}</p>
      {storage?.lost === true && <Notice kind="warn">{t.start.evicted}</Notice>}
      {storage?.kind === "memory" && <Notice kind="warn">{t.start.memory}</Notice>}
      <div class="ways">
        <Button kind="primary" icon="plus" onClick={() => { onWay("create"); }}>{t.start.create}</Button>
        <Button icon="key" onClick={() => { onWay("restore"); }}>{t.start.restore}</Button>
      </div>
      <p class="soft small">{t.start.createHint}</p>
      <ol class="steps">
        {t.start.steps.map((step, i) => <li key={step.title}><span class="panel-icon"><Icon name={stepIcons[i] ?? "info"} /></span><h2>{step.title}</h2><p class="soft small">{step.text}</p></li>)}
      </ol>
      <details class="limits">
        <summary><Icon name="info" />{t.start.limits}</summary>
        <ul>{t.start.limitsText.map((line) => <li key={line}>{line}</li>)}</ul>
      </details>
    </Front>
  );
}

function Unlock({ identities, locked, onWay }: { identities: readonly StoredIdentity[]; locked: Why | undefined; onWay: (way: Way) => void }): JSX.Element {
  const model = useModel();
  const [picked, setPicked] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const chosen = identities.find((i) => i.id === picked) ?? identities[0];
  const id = chosen?.id ?? "";
  const unlock = useWork(async ({ signal }, by: "passphrase" | "passkey") => {
    await model.unlock(id, by === "passkey" ? { passkey: true, signal } : { passphrase, signal });
  });
  return (
    <Front title={t.unlock.title}>
      {locked !== undefined ? <Notice kind={locked === "kit" ? "warn" : "info"}>{t.start.locked[locked]}</Notice> : <p class="soft">{t.unlock.lead}</p>}
      <Form label={t.unlock.title} onSubmit={() => { if (passphrase !== "" && !unlock.busy) void unlock.run("passphrase"); }}>
        {identities.length > 1
          ? <SelectField label={t.unlock.who} value={id} onValue={(v) => { setPicked(v); unlock.reset(); }} choices={identities.map((i) => ({ value: i.id, label: i.name }))} />
          : <p class="unlock-who"><Mark /><span>{chosen?.name}</span></p>}
        {chosen?.lost === true ? <Notice kind="warn">{t.unlock.lost}</Notice> : (
          <>
            {chosen?.passphrase === true && <SecretField label={t.unlock.passphrase} value={passphrase} onValue={setPassphrase} />}
            <Failure error={unlock.error} />
            <div class="row">
              {chosen?.passphrase === true && <Button kind="primary" type="submit" icon="lock" busy={unlock.busy}>{unlock.busy ? t.unlock.busy : t.unlock.go}</Button>}
              {(chosen?.passkeys ?? 0) > 0 && <Button icon="key" onClick={() => { void unlock.run("passkey"); }}>{t.unlock.passkey}</Button>}
            </div>
          </>
        )}
      </Form>
      <div class="front-more">
        <Button kind="quiet" onClick={() => { onWay("restore"); }}>{t.start.restore}</Button>
        <Button kind="quiet" onClick={() => { onWay("create"); }}>{t.start.create}</Button>
      </div>
    </Front>
  );
}
