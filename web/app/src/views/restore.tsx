/** Bringing an identity back. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";

import { Button, Failure } from "../parts/basics.js";
import { DropZone, Form, SecretField, TextField } from "../parts/fields.js";
import { Tabs } from "../parts/tabs.js";
import { useModel } from "../state/model.js";
import { strengthOf } from "../state/passphrase.js";
import { useWork } from "../state/work.js";
import { t } from "../texts/index.js";
import { Front } from "./front.js";

export function Restore({ onBack }: { onBack: () => void }): JSX.Element {
  const [by, setBy] = useState<"kit" | "backup">("kit");
  return (
    <Front title={t.restore.title} onBack={onBack}>
      <Tabs label={t.restore.title} value={by} onValue={setBy} tabs={[{ value: "kit", label: t.restore.byKit }, { value: "backup", label: t.restore.byBackup }]}>
        {by === "kit" ? <ByKit /> : <ByBackup />}
      </Tabs>
    </Front>
  );
}

function ByKit(): JSX.Element {
  const model = useModel();
  const [kit, setKit] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [tried, setTried] = useState(false);
  const restore = useWork(() => model.restore({ kit, passphrase }));
  const weak = strengthOf(passphrase) === 0;
  const submit = (): void => {
    setTried(true);
    if (kit.trim() !== "" && !weak && !restore.busy) void restore.run();
  };
  return (
    <Form label={t.restore.byKit} onSubmit={submit}>
      <TextField label={t.restore.code} value={kit} onValue={setKit} rows={7} mono hint={t.restore.codeHint} />
      <SecretField label={t.restore.newPassphrase} value={passphrase} onValue={setPassphrase} autocomplete="new-password" hint={t.create.passphraseHint} wrong={tried && weak ? t.create.tooWeak : undefined} />
      <Failure error={restore.error} />
      <div class="row"><Button kind="primary" type="submit" busy={restore.busy}>{restore.busy ? t.restore.busy : t.restore.go}</Button></div>
    </Form>
  );
}

function ByBackup(): JSX.Element {
  const model = useModel();
  const [file, setFile] = useState<File>();
  const [passphrase, setPassphrase] = useState("");
  const restore = useWork(async (_, backup: Blob) => { await model.restore({ backup, passphrase }); });
  return (
    <Form label={t.restore.byBackup} onSubmit={() => { if (file !== undefined && passphrase !== "" && !restore.busy) void restore.run(file); }}>
      <DropZone label={file?.name ?? t.restore.backup} choose={t.common.choose} onFiles={([f]) => { setFile(f); }} />
      <p class="hint">{t.restore.backupHint}</p>
      <SecretField label={t.restore.passphrase} value={passphrase} onValue={setPassphrase} />
      <Failure error={restore.error} />
      <div class="row"><Button kind="primary" type="submit" busy={restore.busy}>{restore.busy ? t.restore.busy : t.restore.go}</Button></div>
    </Form>
  );
}
