"""The campaign: explore, choose, label, judge, train, again. It can be killed at any moment.

    check     labelled frames that were given, by computing some of them again
    label     every queued structure gets its label, or a reason why there is none
    judge     the potential of the last iteration against the new labels; its error bars calibrated
    train     a new committee on all labels
    explore   candidates by the new potential
    choose    the ones to be labelled next; with them the next iteration begins

Where it stands is in the store. Each step is a function of what the steps before it left there and
in files: it can be killed and repeated, and changes the store in one transaction at its end. So a
campaign that was killed has the same frames and ends with the same model as one that was not.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlip.active_learning.beginning import (
    begun_with,
    decisive,
    initial_structures,
    labelled_beginning,
    start_structures,
)
from mlip.active_learning.campaign_folder import CampaignFolder
from mlip.active_learning.config import CampaignConfig
from mlip.active_learning.driver_lock import driver_lock
from mlip.active_learning.ending import (
    StopRequest,
    affordable,
    reason_to_stop,
    why_nothing_is_chosen,
)
from mlip.active_learning.exploration import Candidate, explore, watch_with
from mlip.active_learning.feature_map import mean_features
from mlip.active_learning.frames import queued_structure
from mlip.active_learning.judgement import (
    compare,
    errors_on,
    judge,
    pool_in_words,
    pooled_iterations,
)
from mlip.active_learning.labelled import (
    as_structure,
    plain_results,
    require_agreement,
    to_check,
)
from mlip.active_learning.labeller import Labeller
from mlip.active_learning.labelling.factory import importable
from mlip.active_learning.labelling.fingerprint import differing
from mlip.active_learning.labelling.folder import LabelRequest
from mlip.active_learning.learning import (
    finished_model,
    member_seed,
    save_calibrated,
    train_member,
    write_data,
)
from mlip.active_learning.observer import CampaignObserver, Step
from mlip.active_learning.parts import parts_of
from mlip.active_learning.records import Records
from mlip.active_learning.report import write_campaign_report
from mlip.active_learning.selection import Method, SelectionConfig, select, verdicts
from mlip.active_learning.store import Considered, Store
from mlip.active_learning.store_file import backup_of
from mlip.data import Frame
from mlip.data.identity import fingerprint
from mlip.data.statistics import without_isolated_atoms
from mlip.durable import write_whole
from mlip.models import Potential
from mlip.training.parallel import device_of_rank


class CampaignError(ValueError):
    """The campaign cannot go on; the message says why and what to do."""


def run_campaign(
    config: CampaignConfig,
    folder: Path,
    observer: CampaignObserver | None = None,
    *,
    retry_failed: bool = False,
) -> str:
    """Start or continue the campaign in a folder, and report on it at its end; why it ended.

    Parameters
    ----------
    config : with full paths
    folder : holds the config file, and everything else once it runs
    retry_failed : first queue all failed labels again

    Raises
    ------
    ValueError
        If config, device, structures, store or labels cannot be used, too many labels failed, or
        another driver is at work in the folder.
    """
    device_of_rank(config.learning.device)  # before labels are paid for
    withdraw = StopRequest(folder).withdraw  # to run it is to want it to go on
    with driver_lock(folder, first=withdraw), importable(folder):
        store = Store(CampaignFolder(folder).store)
        try:
            campaign = Campaign(config, CampaignFolder(folder), store, observer)
            reason = campaign.run(retry_failed)
        finally:
            store.close()
        write_campaign_report(folder)
        return reason


class Campaign:
    """A campaign over an open store."""

    def __init__(
        self,
        config: CampaignConfig,
        folder: CampaignFolder,
        store: Store,
        observer: CampaignObserver | None = None,
    ) -> None:
        self._config = config
        self._folder = folder
        self._store = store
        self._observer = observer or CampaignObserver()
        self._records = Records(store, folder, config.uncertainty)
        self._stop_request = StopRequest(folder.path)
        self._labeller = Labeller(
            store,
            folder.labels,
            config.executor.build(),
            LabelRequest(calculator=config.calculator, import_from=str(folder.path.resolve())),
            config.failures,
            told=self._observer.labelling,
            enough=lambda: self.iteration > 0 and self._stop_request.is_made,
        )
        self._steps = {
            "check": self._check,
            "label": self._label,
            "judge": self._judge,
            "train": self._train,
            "explore": self._explore,
            "choose": self._choose,
        }

    @property
    def iteration(self) -> int:
        """The current one."""
        return self._store.fact("iteration", 0)

    def run(self, retry_failed: bool = False) -> str:
        """To the end; why it ended."""
        if self._store.fact("step") is None:
            self._begin()
        self._labeller.settle_finished()
        self._check_config()
        self._reopen()
        if retry_failed:
            self._retry_failed()
        while (step := self._store.fact("step")) != "finished":
            self._observer.step_begins(self.iteration, step)
            self._steps[step]()
        return self._store.fact("reason")

    def _retry_failed(self) -> None:
        """Failed labels are asked for again; those of a campaign that found nothing more to label
        in one iteration more."""
        if self._store.fact("step") == "finished":
            failed = [label.key for label in self._store.labels("failed")]
            if not failed:
                return
            if self._store.fact("ended by rule"):
                raise CampaignError(
                    "the campaign is over, no label would be computed: "
                    f"{self._store.fact('reason')}. Raise the limit in `stop` that ended it, or "
                    "begin in a new folder"
                )
            with self._store.transaction():
                self._store.set_fact("iteration", self.iteration + 1)
                self._store.postpone(failed, self.iteration)
                self._store.set_fact("reason", None)
                self._go_to("label")
        self._store.note("failed labels queued again", count=self._labeller.retry_failed())

    def _reopen(self) -> None:
        """A campaign that ended by a rule goes on, if the rule has changed and holds no more."""
        ended = self._store.fact("step") == "finished" and self._store.fact("ended by rule")
        if ended and self._reason_to_stop() is None:
            self._store.note("reopened", reason=self._store.fact("reason"))
            with self._store.transaction():
                self._store.set_fact("reason", None)
                self._go_to(self._store.fact("goes on with", "explore"))

    # -------------------------------------------------------------------------------------- steps

    def _begin(self) -> None:
        """Queue what is labelled first: the structures, or labelled frames to be computed again."""
        frames = labelled_beginning(self._config)
        with self._store.transaction():
            self._store.set_fact("config", decisive(self._config))
            self._store.set_fact("iteration", 0)
            if self._config.labelled is None:
                self._queue_initial(0)
            else:
                again = to_check(frames, self._config.labelled)
                self._store.set_fact("labelled", fingerprint(frames))
                self._store.add([as_structure(frame) for frame in again], 0)
                self._go_to("check")

    def _queue_initial(self, n_labelled: int) -> None:
        chosen = initial_structures(self._config, self._seed(1), n_labelled)
        self._store.add([queued_structure(c.atoms, c.origin) for c in chosen], 0)
        self._go_to("label")

    def _check(self) -> None:
        """Labelled frames are labels if the calculator finds the same for some of them."""
        frames = labelled_beginning(self._config)
        if self._config.labelled is None or fingerprint(frames) != self._store.fact("labelled"):
            raise CampaignError("the labelled frames changed under way; begin in a new folder")
        self._labeller.run(0)
        found = {label.key: label for label in self._store.labels("done", iteration=0)}
        given = {as_structure(frame).key: frame for frame in frames}
        results = [label.results or {} for label in found.values()]
        require_agreement([given[key] for key in found], results, self._config.labelled)
        made_with = str(next(iter(found.values())).fingerprint)
        with self._store.transaction():
            self._store.add([as_structure(frame) for frame in frames], 0)
            for key in given.keys() - found.keys():
                labels = plain_results(given[key], self._config.calculator.properties)
                self._store.adopt(key, labels, made_with)
            self._store.note("labelled frames", count=len(frames), checked=len(found))
            self._queue_initial(len(frames))

    def _label(self) -> None:
        """All labels; then each goes into its part of the data."""
        self._labeller.run(self.iteration)
        done = self._store.labels("done")
        if not done:
            raise CampaignError("there are no labels to learn from")
        if self._stop_request.is_made and not self._store.labels("done", iteration=self.iteration):
            with self._store.transaction():  # nothing is new: the last potential stays the last
                self._finish("it was asked to", by_rule=True, then="label")
            return
        parts = parts_of(done, self._config.learning.valid, first=self.iteration == 0)
        with self._store.transaction():
            self._store.set_parts(parts)
            self._go_to("judge" if self.iteration else "train")

    def _judge(self) -> None:
        """The last potential against the labels it has not seen; calibrated with those before."""
        counts = Counter(label.iteration for label in self._store.labels("done"))
        pool = pooled_iterations({n: counts[n] for n in range(1, self.iteration + 1)})
        *earlier, latest = self._records.compared(pool)
        if not latest.frames:  # all have elements that are new to it
            self._observer.message("the potential knows none of the new structures: not judged")
            self._go_to("train")
            return
        source = pool_in_words(pool, sum(len(one.frames) for one in [*earlier, latest]))
        used = self._records.calibration(self.iteration - 1)
        found = judge(latest, earlier, source, self._store.fact("scale"), used)
        if found.calibration == used:
            self._observer.message("no force was wrong: the calibration stays as it is")
        with self._store.transaction():
            self._store.set_fact(f"judgement {self.iteration}", found.to_plain())
            self._store.set_fact("scale", found.scale)
            self._go_to("train")

    def _train(self) -> None:
        """A potential on all labels; its calibration is that of the one before, of the first that
        on the validation set."""
        folder = self._folder.iteration(self.iteration)
        parts = {part: self._records.frames(part) for part in ("train", "valid")}
        write_data(folder, parts)
        theory, learning = self._records.theory(), self._config.seeded_learning()
        paths = []
        for member in range(learning.members):
            self._observer.member_begins(member, learning.members)
            paths.append(train_member(learning, folder, member, theory, [self._observer]))
        model = finished_model(paths, self._config.uncertainty, parts["train"])
        first = self._first_judgement(model, parts["valid"]) if self.iteration == 0 else None
        cards = first["calibration"] if first else self._records.calibration(self.iteration)
        save_calibrated(self._folder.iteration_model(self.iteration), model, cards)
        new = without_isolated_atoms(
            self._records.frames("train", "valid", iteration=self.iteration)
        )
        reason = self._reason_to_stop()
        with self._store.transaction():
            for member, path in enumerate(paths):
                seed = member_seed(learning, member)
                relative = str(path.relative_to(self._folder.path))
                self._store.add_model(self.iteration, member, seed, relative, {})
            self._store.set_fact(f"after {self.iteration}", errors_on(model, new))
            if first:
                self._store.set_fact("validation 0", first)
                self._store.set_fact("scale", first["scale"])
            self._finish(reason, by_rule=True) if reason else self._go_to("explore")
        self._store.back_up(backup_of(self._folder.store))

    def _first_judgement(self, model: Potential, frames: list[Frame]) -> dict[str, Any]:
        """By the validation set: nothing else is there that the first potential has not seen."""
        found = compare(model, self._records.measure(model, 0), frames)
        return judge(found, [], "validation set of iteration 0").to_plain()

    def _explore(self) -> None:
        """Candidates, in files."""
        if not self._ends_by_rule():
            self._candidates()
            self._go_to("choose")

    def _choose(self) -> None:
        """What is labelled next; nothing, and the campaign is over."""
        if self._ends_by_rule():  # which may have changed since they were explored
            return
        candidates = self._candidates()
        config = affordable(self._config.select, self._config.stop, self._store)
        worst, chosen = self._chosen(candidates, config)
        found = verdicts(config, worst, chosen)
        picked = [
            queued_structure(
                candidates[i].atoms,
                {**candidates[i].origin, "uncertainty": float(worst[i]), "chosen": method},
            )
            for i, method in chosen.items()
        ]
        considered = [
            Considered(c.origin, float(u), verdict)
            for c, u, verdict in zip(candidates, worst, found)
        ]
        with self._store.transaction():
            new = self._store.add(picked, self.iteration + 1)
            self._store.add_candidates(considered, self.iteration)
            self._store.note("chosen", candidates=len(candidates), new=new)
            if new:
                self._store.set_fact("iteration", self.iteration + 1)
                self._go_to("label")
            else:
                self._finish(why_nothing_is_chosen(config, found), by_rule=False)

    def _chosen(
        self, candidates: Sequence[Candidate], config: SelectionConfig
    ) -> tuple[np.ndarray, dict[int, Method]]:
        """The uncertainty of each candidate, eV/Å, and the indices of those to be labelled, each
        with how it was chosen."""
        model = self._records.model(self.iteration)
        measure = self._records.measure(model, self.iteration)
        scale = self._store.fact("scale")
        structures = [candidate.atoms for candidate in candidates]
        worst = np.array([scale * one["forces"].max() for one in measure.of(structures)])
        worst = worst.reshape(len(candidates))
        known = [frame.atoms for frame in self._records.frames("train", "valid")]
        features, known_features = np.split(
            mean_features(model, structures + known), [len(candidates)]
        )
        chosen = select(config, worst, features, known_features, self._seed(3))
        return worst, chosen

    # ------------------------------------------------------------------------------------- inside

    def _go_to(self, step: Step) -> None:
        self._store.set_fact("step", step)

    def _finish(self, reason: str, *, by_rule: bool, then: Step = "explore") -> None:
        """End with the last potential. `then` comes next if the rule should hold no more."""
        last = self.iteration - (then == "label")
        write_whole(self._folder.model, self._folder.iteration_model(last).read_bytes())
        self._store.set_fact("reason", reason)
        self._store.set_fact("ended by rule", by_rule)
        self._store.set_fact("goes on with", then)
        self._store.note("finished", reason=reason)
        self._go_to("finished")

    def _ends_by_rule(self) -> bool:
        if reason := self._reason_to_stop():
            with self._store.transaction():
                self._finish(reason, by_rule=True)
        return reason is not None

    def _reason_to_stop(self) -> str | None:
        asked = self._stop_request.is_made
        return reason_to_stop(self._store, self._config.stop, self.iteration, asked)

    def _check_config(self) -> None:
        """What was begun is continued; a calculator that never gave a label may be mended."""
        now = decisive(self._config)
        changed = differing([begun_with(self._store.fact("config"), self._config), now])
        mended = all(line.startswith("calculator") for line in changed)
        if changed and mended and not self._store.labels("done"):
            self._labeller.withdraw_others()
            self._store.note("calculator changed before there were labels", changes=changed)
            self._store.set_fact("config", now)
        elif changed:
            raise CampaignError(
                f"the campaign in {self._folder.path} was begun with another config:\n"
                + "\n".join(f"  {line}" for line in changed)
                + "\nchange it back, or start in a new folder"
            )

    def _candidates(self) -> list[Candidate]:
        model = self._records.model(self.iteration)
        measure = self._records.measure(model, self.iteration)
        limit, scale = self._config.select.absurd_above, self._store.fact("scale")
        return explore(
            self._config.explore,
            start_structures(self._config),
            model,
            watch_with(measure, limit, scale),
            self._folder.candidates(self.iteration),
            self._seed(2),
            self._observer.message,
            self._observer.explored,
        )

    def _seed(self, *purpose: int) -> int:
        """A seed for one purpose in this iteration."""
        source = np.random.SeedSequence([self._config.seed, self.iteration, *purpose])
        return int(source.generate_state(1)[0]) % 2**31
