/** Settings: the identity in this browser, and the server. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Button, Dialog, Failure, Notice, Page, Panel, announce } from "../parts/basics.js";
import { Form, SecretField, SelectField, TextField } from "../parts/fields.js";
import { Facts } from "../parts/identity.js";
import { save } from "../state/files.js";
import { useAccount, useModel } from "../state/model.js";
import { strengthOf } from "../state/passphrase.js";
import { href } from "../state/route.js";
import { useStore } from "../state/store.js";
import { setTheme, theme, themes } from "../state/theme.js";
import { useLoaded, useWork } from "../state/work.js";
import { t } from "../texts/index.js";

export function Settings(): JSX.Element {
  const model = useModel();
  const account = useAccount();
  const { name, id } = account.session.identity;
  const stored = useLoaded(async () => (await model.service.identities()).find((i) => i.id === id), []);
  return (
    <Page title={t.settings.title}>
      <Panel title={t.settings.identity} icon="person" action={<Button icon="lock" onClick={() => { void model.lock(); }}>{t.nav.lock}</Button>}>
        <Facts rows={[[t.create.name, name], [t.people.own, <span class="mono" key="id">{id}</span>]]} />
      </Panel>
      <Backup />
      <Passkey />
      <Passphrase has={stored.value?.passphrase !== false} />
      <Appearance />
      <About />
      <Remove name={name} />
    </Page>
  );
}

function Backup(): JSX.Element {
  const model = useModel();
  const account = useAccount();
  const [open, setOpen] = useState(false);
  const [passphrase, setPassphrase] = useState("");
  const backup = useWork(async () => {
    save(await model.service.backup(account.id, passphrase), `${account.session.identity.name}.identity`);
    setPassphrase("");
    setOpen(false);
    return true;
  });
  return (
    <Panel title={t.settings.backup} text={t.settings.backupText} icon="download" action={!open && <Button onClick={() => { setOpen(true); }}>{t.settings.backupGo}</Button>}>
      {open && (
        <Form label={t.settings.backup} onSubmit={() => { if (passphrase !== "" && !backup.busy) void backup.run(); }}>
          <SecretField label={t.unlock.passphrase} value={passphrase} onValue={setPassphrase} hint={t.settings.backupHint} />
          <Failure error={backup.error} />
          <div class="row">
            <Button kind="primary" type="submit" busy={backup.busy}>{t.settings.backupGo}</Button>
            <Button kind="quiet" onClick={() => { setOpen(false); }}>{t.common.cancel}</Button>
          </div>
        </Form>
      )}
      {backup.result === true && !open && <Notice kind="good">{t.settings.backupDone}</Notice>}
    </Panel>
  );
}

function Passkey(): JSX.Element {
  const account = useAccount();
  const add = useWork(async () => {
    await account.session.addPasskey();
    announce(t.settings.passkeyDone);
    return true;
  });
  return (
    <Panel title={t.settings.passkey} text={t.settings.passkeyText} icon="key" action={<Button busy={add.busy} onClick={() => { void add.run(); }}>{t.settings.passkeyGo}</Button>}>
      {add.result === true && <Notice kind="good">{t.settings.passkeyDone}</Notice>}
      <Failure error={add.error} />
    </Panel>
  );
}

function Passphrase({ has }: { has: boolean }): JSX.Element {
  const account = useAccount();
  const [open, setOpen] = useState(false);
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [tried, setTried] = useState(false);
  const weak = strengthOf(next) === 0;
  const change = useWork(async () => {
    await account.session.changePassphrase(next, has ? current : undefined);
    setOpen(false);
    setCurrent("");
    setNext("");
    announce(t.settings.changed);
    return true;
  });
  const submit = (): void => {
    setTried(true);
    if (!weak && !change.busy) void change.run();
  };
  return (
    <Panel title={t.settings.passphrase} icon="lock" action={!open && <Button onClick={() => { setOpen(true); }}>{t.settings.change}</Button>}>
      {open && (
        <Form label={t.settings.change} onSubmit={submit}>
          {has && <SecretField label={t.settings.current} value={current} onValue={setCurrent} />}
          <SecretField label={t.settings.next} value={next} onValue={setNext} autocomplete="new-password" hint={t.create.passphraseHint} wrong={tried && weak ? t.create.tooWeak : undefined} />
          <Failure error={change.error} />
          <div class="row">
            <Button kind="primary" type="submit" busy={change.busy}>{t.settings.change}</Button>
            <Button kind="quiet" onClick={() => { setOpen(false); }}>{t.common.cancel}</Button>
          </div>
        </Form>
      )}
      {change.result === true && !open && <Notice kind="good">{t.settings.changed}</Notice>}
    </Panel>
  );
}

function Appearance(): JSX.Element {
  const chosen = useStore(theme);
  return (
    <Panel title={t.settings.appearance} icon="settings">
      <SelectField label={t.settings.appearance} value={chosen} choices={themes.map((v) => ({ value: v, label: t.settings.themes[v] }))}
        onValue={(v) => { setTheme(themes.find((known) => known === v) ?? "auto"); }} />
    </Panel>
  );
}

function About(): JSX.Element {
  const model = useModel();
  const storage = useStore(model.storage);
  const info = useLoaded((signal) => model.service.info({ signal }), []);
  const kept = storage?.kind === "memory" ? t.settings.memory : storage?.persistent === true ? t.settings.persistent : t.settings.notPersistent;
  return (
    <Panel title={t.settings.about} icon="info" action={<a class="button button-plain" href={href("benchmark")}>{t.nav.benchmark}</a>}>
      <Failure error={info.error} />
      <Facts rows={[
        [t.settings.server, <span class="mono" key="server">{info.value?.id ?? "…"}</span>],
        [t.settings.module, <span class="mono" key="module">{info.value === undefined ? "…" : (info.value.module ?? "–")}</span>],
        [t.settings.storage, kept],
      ]} />
    </Panel>
  );
}

function Remove({ name }: { name: string }): JSX.Element {
  const model = useModel();
  const account = useAccount();
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const remove = useWork(() => model.remove(account));
  return (
    <Panel title={t.settings.remove} text={t.settings.removeText} action={<Button kind="danger" onClick={() => { setAsking(true); }}>{t.common.remove} …</Button>}>
      {asking && (
        <Dialog title={t.settings.remove} onClose={() => { setAsking(false); }}>
          <p>{t.settings.removeText}</p>
          <Form label={t.settings.remove} onSubmit={() => { if (typed === name && !remove.busy) void remove.run(); }}>
            <TextField label={t.settings.removeCheck(name)} value={typed} onValue={setTyped} />
            <Failure error={remove.error} />
            <div class="row">
              <Button kind="danger" type="submit" disabled={typed !== name} busy={remove.busy}>{t.settings.removeGo}</Button>
              <Button kind="quiet" onClick={() => { setAsking(false); }}>{t.common.cancel}</Button>
            </div>
          </Form>
        </Dialog>
      )}
    </Panel>
  );
}
