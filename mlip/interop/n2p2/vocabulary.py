"""Which keywords of input.nn there are: those with a meaning here, those that only concern training
or the output of a run, and those of methods that are not supported."""

import difflib

from mlip.interop.n2p2.lines import Keywords

#: Keywords that decide what the potential is.
_MEANINGFUL = """
    number_of_elements elements atom_energy mean_energy conv_energy conv_length cutoff_type
    cutoff_alpha symfunction_short element_symfunction_short global_symfunction_short
    scale_symmetry_functions center_symmetry_functions scale_symmetry_functions_sigma
    scale_min_short scale_max_short global_hidden_layers_short element_hidden_layers_short
    global_nodes_short element_nodes_short global_activation_short element_activation_short
    normalize_nodes nnp_type nn_type_short
"""

MEANINGFUL = frozenset(_MEANINGFUL.split())

#: Old or alternative spellings.
OTHER_SPELLINGS = {
    "symfunction": "symfunction_short",
    "nnp_generation": "nnp_type",
    "nnp_type_gen": "nnp_type",
    "nnp_gen": "nnp_type",
}

#: Keywords without influence on what a trained potential predicts.
_SKIPPED = """
    analyze_composition analyze_error analyze_error_charge_step analyze_error_energy_step
    analyze_error_force_step biasweights_max biasweights_min bond_threshold calculate_final_force
    calculate_forces calculate_hessian calculate_stress charge_error_threshold charge_fraction
    charge_group check_forces check_input_forces conv_charge data_clustering debug_mode
    detailed_timing detailed_timing_epoch detect_saturation dynforcegroup_start dynforcegroup_step
    element_activation_electrostatic element_hidden_layers_electrostatic
    element_nodes_electrostatic energy_fraction energy_threshold environment_analysis epochs
    ewald_alpha ewald_cutoff ewald_kmax ewald_prec ewald_truncation_error_method
    find_contradictions fitmode fitting_unit fix_weights fixed_gausswidth force_energy_ratio
    force_fraction force_grouping_by_structure force_threshold force_update_scaling force_weight
    four_pi_epsilon global_activation_electrostatic global_hidden_layers_electrostatic
    global_nodes_electrostatic gradient_adam_beta1 gradient_adam_beta2 gradient_adam_epsilon
    gradient_adam_eta gradient_eta gradient_type growth_mode initial_hardness ion_forces_only
    jacobian_mode joint_energy_force_update kalman_damp_charge kalman_damp_force kalman_damp_short
    kalman_epsilon kalman_eta kalman_etamax kalman_etatau kalman_lambda_charge kalman_lambda_short
    kalman_nue_charge kalman_nue_short kalman_q0 kalman_qmin kalman_qtau kalman_type
    main_error_metric max_energy max_force md_mode memorize_symfunc_results mix_all_points
    nguyen_widrow_weights_charge nguyen_widrow_weights_ewald nguyen_widrow_weights_short
    noise_charge noise_energy noise_force normalize_data_set optmode_charge optmode_short_energy
    optmode_short_force parallel_mode points_in_memory precondition_weights prepare_md
    print_all_deshortdw print_all_dfshortdw print_all_short_weights print_convergence_vector
    print_date_and_time print_force_components print_mad print_sensitivity random_number_type
    random_order_training random_seed read_kalman_matrices read_unformatted remove_atom_energies
    repeated_energy_update reset_kalman restrict_weights rmse_threshold rmse_threshold_charge
    rmse_threshold_energy rmse_threshold_force rmse_threshold_trials rmse_threshold_trials_charge
    rmse_threshold_trials_energy rmse_threshold_trials_force runner_mode save_kalman_matrices
    screen_electrostatics selection_mode selection_mode_charge selection_mode_energy
    selection_mode_force separate_bias_ini_short separate_kalman_short
    short_energy_error_threshold short_energy_fraction short_energy_group
    short_force_error_threshold short_force_fraction short_force_group
    shuffle_weights_short_atomic silent_mode symfunction_correlation symfunction_electrostatic
    task_batch_size_charge task_batch_size_energy task_batch_size_force test_fraction
    total_charge_error_threshold update_single_element update_strategy update_worst_charges
    update_worst_short_energies update_worst_short_forces updater_type use_atom_charges
    use_atom_energies use_charge_constraint use_damping use_noisematrix use_old_scaling
    use_old_weights_charge use_old_weights_short use_omp_mkl use_short_forces use_short_nn
    use_systematic_weights_electrostatic use_systematic_weights_short weight_analysis weights_max
    weights_min weightse_max weightse_min write_fit_statistics write_neuronstats write_pdb write_pov
    write_pwscf write_symfunctions write_temporary_weights write_traincharges write_trainforces
    write_trainlog write_trainpoints write_unformatted write_weights_epoch
"""

SKIPPED = frozenset(_SKIPPED.split())

#: Keywords that change what is predicted in ways that are not supported.
REFUSED = {
    "use_electrostatics": "electrostatics are not supported",
    "electrostatic_type": "electrostatics are not supported",
    "fixed_charge": "electrostatics are not supported",
    "use_vdw": "van der Waals corrections are not supported",
    "vdw_type": "van der Waals corrections are not supported",
    "use_atom_spins": "spin-dependent symmetry functions are not supported",
    "element_pairsymfunction_short": "pair potentials are not supported",
    "global_pairsymfunction_short": "pair potentials are not supported",
    "pairsymfunction_short": "pair potentials are not supported",
}


def skipped_keywords(keywords: Keywords) -> list[str]:
    """Those that have no influence on predictions, in the order of the file.

    Raises
    ------
    N2P2Error
        At a keyword that is not known or not supported.
    """
    for keyword, lines in keywords.lines.items():
        if keyword in REFUSED:
            raise lines[0].error(REFUSED[keyword])
        if keyword not in MEANINGFUL | SKIPPED:
            near = difflib.get_close_matches(keyword, MEANINGFUL | SKIPPED, n=1, cutoff=0.8)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise lines[0].error(
                f"this keyword is not known. {hint}If it has no influence on what the trained "
                "potential predicts, delete the line"
            )
    return [keyword for keyword in keywords.lines if keyword in SKIPPED]
